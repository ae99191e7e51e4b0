"""The documents of `torrentctl config` and `reload` as a person reads them."""

from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.tables import print_wrapped

_ORIGINS = {"hand": "  # by hand", "environment": "  # from the environment"}


def show_settings(document: Document) -> None:
    """As the file would have it, a line each; where a value comes from, if not a default."""
    for setting in document.children("settings"):
        line, origin = setting.integer_or_none("line"), setting.text("origin")
        where = _ORIGINS.get(origin, "") if line is None else f"  # line {line}"
        print(f"{setting.text('key')}: {setting.text('value')}{where}")
    print(f"file: {document.text('file') or 'none, the defaults stand'}")


def show_differences(document: Document) -> None:
    differences = document.children("differences")
    for each in differences:
        print(f"{each.text('key')}  ({each.text('reason')})")
        print(f"  runs:  {each.text('running')}")
        print(f"  file:  {each.text('file')}")
    if not differences:
        file = document.text("file")
        print(f"what runs is what {f'{file} says' if file else 'the defaults say'}")


def show_explained(document: Document) -> None:
    for number, key in enumerate(document.children("keys")):
        if number:
            print()
        effect = "A change takes a restart." if key.flag("needs_restart") else "Changes at once."
        default = key.text("default") or "depends on who starts the daemon"
        print(key.text("key"))
        for sentence in (key.text("sentence"), f"Allowed: {key.text('allowed')}."):
            print_wrapped("    " + sentence)
        print_wrapped(f"    Default: {default}. {effect}")


def show_reloaded(document: Document) -> None:
    """What of it counts now; what waits is told, since nobody would look for it."""
    applied, waiting = document.texts("applied"), document.texts("needs_restart")
    if applied:
        print_wrapped(f"changed: {', '.join(applied)}")
    if waiting:
        print_wrapped(f"needs a restart: {', '.join(waiting)}")
    if not applied and not waiting:
        print("nothing has changed")
