"""`torrentctl add --from`: what was found of a torrent's data, and what becomes of it."""

from collections.abc import Sequence

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, Failure
from torrentd.daemon.ctl.quantities import size
from torrentd.daemon.ctl.sentences import many, short_name

FILES_SHOWN = 20  # --json has them all


def adopt(
    client: Client, payload: bytes, folders: Sequence[str], directory: str | None, dry_run: bool
) -> Document:
    """Reads as much as there is, and so takes its time. Raises Failure."""
    if not payload:
        raise Failure(REFUSED, "its files are not known yet: --from needs a torrent file")
    params: dict[str, Json] = {"metainfo_bytes": len(payload), "from": [*folders]}
    params["dry_run"] = dry_run
    if directory is not None:
        params["dir"] = directory
    return client.call("adopt", params, payload, answer_s=None)


def show_adopted(document: Document) -> None:
    files = document.children("files")
    count, of = len(files), document.integer("file_count")
    found, all_of_it = document.integer("found_bytes"), document.integer("size_bytes")
    name = short_name(document)
    if not files:
        print(f"{name}: nothing of its {size(all_of_it)} was found")
        return
    sentence = f"{name}: {size(found)} of {size(all_of_it)} found, {count} of {many(of, 'file')}"
    if document.flag("in_place"):
        print(f"{sentence}, in place in {document.text('download_dir')}")
        return
    print(f"{sentence}, for {document.text('download_dir')}")
    for file in files[:FILES_SHOWN]:
        print(f"  {file.text('name')}: {file.text('how')}, {file.text('source')}")
        if file.text("problem"):
            print(f"    not linked: {file.text('problem')}")
    if count > FILES_SHOWN:
        print(f"  … and {count - FILES_SHOWN} more; --json has them all")
