"""`completion`: the script for a shell, which then asks this program what can follow."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "betterstack-signl4"
VARIABLE = "_BETTERSTACK_SIGNL4_COMPLETE"
"""With it click answers the shell, in place of running a command."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script with which a shell completes commands, options and ids; `make install` puts it in place.

    Bash and zsh: eval "$(betterstack-signl4 completion bash)" in ~/.bashrc, or with zsh in ~/.zshrc after compinit.
    Fish: betterstack-signl4 completion fish | source.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(ctx.find_root().command, {}, PROGRAM, VARIABLE)
    # Its own `source` looks for bash and asks for the version, also where the script is for another machine.
    click.echo(script.source_template % script.source_vars())
