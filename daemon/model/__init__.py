"""The domain model: values that all other folders share."""
