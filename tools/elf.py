"""What a deployed binary asks of the C library, and what of it is never used.

Purpose: a function that needs a newer C library than Lambda's image has fails at its first start; and its tables for unwinding
the stack, 6 % of its zip, are never read, since a panic aborts.
Guarantees: blanking changes no address and no section but those tables. Nothing reads them where a panic aborts, except a
backtrace, which then ends at once.
Fails when: the file is no ELF file of an architecture that Lambda has.
"""

import re

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# With the index of the first: an unwinder that finds no index of a version that it knows goes no further.
UNWIND_TABLES = (".eh_frame", ".eh_frame_hdr", ".gcc_except_table")


class Unfit(Exception):
    """What is wrong with a binary, and what to do."""


def machine(path):
    """The architecture as Lambda calls it."""
    with open(path, "rb") as file:
        found = ELFFile(file)["e_machine"]
    names = {"EM_X86_64": "x86_64", "EM_AARCH64": "arm64"}
    if found not in names:
        raise Unfit(f"{path} is for {found}; Lambda has {' and '.join(names.values())}")
    return names[found]


def newest_glibc(path):
    """The newest version of the C library that a symbol asks for, such as (2, 34); (0,) where none asks for any."""
    newest = (0,)
    with open(path, "rb") as file:
        for section in ELFFile(file).iter_sections():
            if not isinstance(section, GNUVerNeedSection):
                continue
            for _, versions in section.iter_versions():
                for version in versions:
                    if found := re.fullmatch(r"GLIBC_([0-9.]+)", version.name):
                        newest = max(newest, tuple(int(part) for part in found[1].split(".")))
    return newest


def without_unwind_tables(path):
    """The file's bytes with its unwind tables blanked, which says that nothing can be unwound. Right only if a panic aborts."""
    with open(path, "rb") as file:
        image = bytearray(file.read())
        for section in ELFFile(file).iter_sections():
            if section.name in UNWIND_TABLES:
                start = section["sh_offset"]
                image[start : start + section["sh_size"]] = bytes(section["sh_size"])
    return bytes(image)
