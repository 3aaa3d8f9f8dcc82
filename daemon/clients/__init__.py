"""The clients of Better Stack, SIGNL4 and the heartbeat services, and their HTTP transport."""
