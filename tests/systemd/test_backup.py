"""The daily copy on a machine with a real systemd, and the way back from it."""

from tests.systemd.host import STATE, Host

SERVICE, TIMER = (f"betterstack-signl4-backup@config.{kind}" for kind in ("service", "timer"))
COPIES = f"{STATE}-backup/config"


def test_the_timer_is_off_until_it_is_enabled_and_then_copies_and_a_copy_can_be_put_back(running: Host) -> None:
    machine = running.machine
    assert machine.show(TIMER, "LoadState", "UnitFileState") == {"LoadState": "loaded", "UnitFileState": "disabled"}
    machine.run("systemctl", "enable", "--now", TIMER)
    assert machine.show(TIMER, "NextElapseUSecRealtime")["NextElapseUSecRealtime"]
    machine.run("systemctl", "start", SERVICE)
    [copy] = machine.run("sh", "-c", f"cd {COPIES} && stat -c '%n %U %a' *").stdout.splitlines()
    name, *rights = copy.split()
    assert name.endswith("day.db")
    assert rights == ["betterstack-signl4", "600"]
    running.systemctl("stop")
    machine.run("sh", "-c", f"echo a text > {STATE}/state.db")
    restored = running.ask("db", "restore", f"{COPIES}/{name}")
    assert (restored.returncode, restored.stderr) == (0, "")
    state = machine.run("stat", "-c", "%U %G %a", f"{STATE}/state.db").stdout.split()
    assert state == ["betterstack-signl4", "betterstack-signl4", "660"]
    running.systemctl("start")
    incident = running.sandbox.world.open("Mail relay")
    running.wait_for(lambda: running.told(incident) == ["new"], "the alert")
    assert running.ask("deliveries", "--json").returncode == 0
    running.assert_all_is_right()
    machine.run("systemctl", "disable", "--now", TIMER)
