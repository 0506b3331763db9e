"""Whether a folder lies where a file may be mapped: on a disk of this machine."""

import os
from pathlib import Path

REMOTE = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *(
            "nfs",
            "nfs4",
            "orangefs",
            "panfs",
            "pvfs2",
            "smb3",
            "smbfs",
            "vboxsf",
            "virtiofs",
            "wekafs",
        ),
    }
)
_MOUNTS = Path("/proc/self/mountinfo")


def file_system(folder: Path) -> str:
    """The type of the file system of ``folder``, as the kernel calls it; ``""`` where it is not told."""
    path = Path(os.path.realpath(folder))
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return ""
    deepest, kind = -1, ""
    for line in lines:
        place, _, source = line.partition(b" - ")
        mounted = Path(os.fsdecode(_unescape(place.split(b" ")[4])))
        depth = len(mounted.parts)
        if depth >= deepest and path.is_relative_to(mounted):  # a later mount covers an earlier one
            deepest, kind = depth, source.split(b" ")[0].decode("ascii", "replace")
    return kind


def is_remote(kind: str) -> bool:
    """Whether files of such a file system are kept by another machine, or another process."""
    return kind in REMOTE or kind.split(".", maxsplit=1)[0] in {"fuse", "fuseblk"}


def _unescape(path: bytes) -> bytes:
    """The kernel writes blanks, tabs, newlines and backslashes of a mount's path in octal."""
    for code in (b"040", b"011", b"012", b"134"):
        path = path.replace(b"\\" + code, bytes([int(code, 8)]))
    return path
