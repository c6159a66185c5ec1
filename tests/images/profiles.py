"""ICC profiles, made here."""

import struct


def display_p3():
    """Display P3, as a profile of matrix and curve that is made here."""
    return matrix_profile([(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)], 2.2)


def matrix_profile(colorants, gamma):
    """A profile of three colorants (XYZ, adapted to D50) and a gamma."""
    fixed = lambda number: struct.pack(">i", round(number * 65536))
    xyz = lambda triple: b"XYZ \0\0\0\0" + b"".join(map(fixed, triple))
    curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0\0\0\0\2P\0" + bytes(78) + b"\0\0\0\0"
    tags = [(b"wtpt", xyz((0.9642, 1, 0.8249))), (b"desc", text), (b"cprt", b"text\0\0\0\0CC0\0")]
    tags += [(name, xyz(triple)) for name, triple in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return icc_file(b"RGB ", tags)


def grey_profile(gamma):
    """A profile of greys."""
    curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    return icc_file(b"GRAY", [(b"wtpt", white), (b"kTRC", curve), (b"cprt", b"text\0\0\0\0CC0\0")])


def icc_file(space, tags):
    """An ICC profile of version 2.1 for displays."""
    table, data = struct.pack(">I", len(tags)), b""
    for name, body in tags:
        body += bytes(-len(body) % 4)
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(body))
        data += body
    head = b"\0\0\0\0\x02\x10\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061) + bytes(48)
    return struct.pack(">I", len(head) + 4 + len(table) + len(data)) + head + table + data
