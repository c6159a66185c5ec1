"""Writers of what Pillow cannot write: PNG of any kind, GIF and WebP frame by frame, bitmaps with rare headers."""

import struct
import zlib

import numpy

# The seven passes of PNG's interlacing: where they begin, and their steps.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, depth, kind, chunks=(), interlaced=False):
    """A PNG of samples[y, x, channel], each of `depth` bits; `kind` is its colour type. Filters change from row to row."""
    height, width, channels = samples.shape

    def rows(part):
        lines = []
        before = None
        for y, row in enumerate(part):
            flat = row.reshape(-1)
            if depth == 16:
                packed = flat.astype(">u2").tobytes()
            elif depth == 8:
                packed = flat.astype(numpy.uint8).tobytes()
            else:
                bits = numpy.unpackbits(flat.astype(numpy.uint8)[:, None], axis=1)[:, 8 - depth :]
                packed = numpy.packbits(bits.reshape(-1)).tobytes()
            lines.append(filtered(y % 5, packed, before, max(1, channels * depth // 8)))
            before = packed
        return b"".join(lines)

    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        raw = b"".join(rows(part) for part in parts if part.size)
    else:
        raw = rows(samples)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    body = b"".join(chunk(name, data) for name, data in chunks)
    # Several chunks of data, as most writers make them.
    data = zlib.compress(raw, 9)
    pieces = [data[at : at + 8192] for at in range(0, len(data), 8192)]
    body += b"".join(chunk(b"IDAT", piece) for piece in pieces)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def filtered(kind, row, before, step):
    """A row behind the number of its filter. Another than `kind` where that needs a row before."""
    row = numpy.frombuffer(row, numpy.uint8).astype(int)
    up = numpy.zeros_like(row) if before is None else numpy.frombuffer(before, numpy.uint8).astype(int)
    left = numpy.concatenate([numpy.zeros(step, int), row[:-step]])[: len(row)]
    corner = numpy.concatenate([numpy.zeros(step, int), up[:-step]])[: len(row)]
    guess = left + up - corner
    by = [abs(guess - left), abs(guess - up), abs(guess - corner)]
    paeth = numpy.where((by[0] <= by[1]) & (by[0] <= by[2]), left, numpy.where(by[1] <= by[2], up, corner))
    minus = [numpy.zeros_like(row), left, up, (left + up) // 2, paeth][kind]
    return bytes([kind]) + ((row - minus) % 256).astype(numpy.uint8).tobytes()


def gif(canvas, palette, frames, loops=True):
    """A GIF. A frame: (x, y, indices[y, x], transparent index or None, disposal, hundredths of a second)."""
    bits = max(2, (len(palette) - 1).bit_length())
    table = b"".join(bytes(colour) for colour in palette).ljust(3 << bits, b"\0")
    out = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80 | 0x70 | (bits - 1), 0, 0) + table
    if loops:
        out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    for x, y, indices, transparent, disposal, delay in frames:
        flags = disposal << 2 | (transparent is not None)
        out += b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay, transparent or 0, 0)
        out += b"\x2c" + struct.pack("<HHHHB", x, y, indices.shape[1], indices.shape[0], 0) + bytes([bits])
        packed = uncompressed(indices.reshape(-1), bits)
        pieces = [packed[at : at + 255] for at in range(0, len(packed), 255)]
        out += b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\0"
    return out + b"\x3b"


def uncompressed(indices, bits):
    """LZW whose table is cleared before it would need longer codes."""
    clear, size = 1 << bits, bits + 1
    codes = []
    for at in range(0, len(indices), clear - 2):
        codes += [clear, *indices[at : at + clear - 2].tolist()]
    codes.append(clear + 1)
    all_bits = (numpy.array(codes)[:, None] >> numpy.arange(size) & 1).astype(numpy.uint8).reshape(-1)
    return numpy.packbits(all_bits, bitorder="little").tobytes()


def riff(chunks):
    """A WebP file of these chunks."""
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def riff_chunks(webp):
    """The chunks of a WebP file."""
    at, chunks = 12, []
    while at + 8 <= len(webp):
        length = struct.unpack_from("<I", webp, at + 4)[0]
        chunks.append((webp[at : at + 4], webp[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return chunks


def animated_webp(canvas, frames):
    """An animation of still WebP files: (x, y, width, height, file, milliseconds), with x and y even."""
    u24 = lambda number: struct.pack("<I", number)[:3]
    chunks = [(b"VP8X", b"\x12\0\0\0" + u24(canvas[0] - 1) + u24(canvas[1] - 1)), (b"ANIM", b"\0\0\0\0\0\0")]
    for x, y, width, height, still, delay in frames:
        inner = [(name, data) for name, data in riff_chunks(still) if name in (b"VP8 ", b"VP8L", b"ALPH")]
        header = u24(x // 2) + u24(y // 2) + u24(width - 1) + u24(height - 1) + u24(delay) + b"\x02"
        chunks.append((b"ANMF", header + riff(inner)[12:]))
    return riff(chunks)


def bmp(rgb, depth, top_down=False, masks=None, header=40, palette=(), compression=0, data=None):
    """A bitmap of rgb[y, x, channel] (or of indices[y, x] into `palette`)."""
    height, width = rgb.shape[:2]
    if data is None:
        data = b""
        for row in rgb if top_down else rgb[::-1]:
            data += bmp_row(row, depth, masks)
    rest = b""
    if masks:
        compression = 3
        rest = struct.pack(f"<{len(masks)}I", *masks)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, depth)
        rest += b"".join(bytes(colour[::-1]) for colour in palette)
    else:
        tall = -height if top_down else height
        info = struct.pack("<IiiHHIIiiII", header, width, tall, 1, depth, compression, len(data), 2835, 2835, len(palette), 0)
        if header > 40:
            # The masks are part of the larger headers; the rest is a colour space of sRGB.
            info += rest.ljust(16, b"\0") + b"BGRs" + bytes(48)
            info, rest = info.ljust(header, b"\0")[:header], b""
        rest += b"".join(bytes(colour[::-1]) + b"\0" for colour in palette)
    offset = 14 + len(info) + len(rest)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + info + rest + data


def bmp_row(row, depth, masks):
    """A row, padded to four bytes."""
    if row.ndim == 1:
        bits = numpy.unpackbits(row.astype(numpy.uint8)[:, None], axis=1)[:, 8 - depth :]
        packed = numpy.packbits(bits.reshape(-1)).tobytes()
    elif depth == 24:
        packed = row[:, ::-1].astype(numpy.uint8).tobytes()
    else:
        shares = masks or ([0x7C00, 0x3E0, 0x1F] if depth == 16 else [0xFF0000, 0xFF00, 0xFF])
        words = numpy.zeros(len(row), numpy.uint32)
        for channel, mask in enumerate(shares):
            low = (mask & -mask).bit_length() - 1
            most = mask >> low
            words |= ((row[:, channel].astype(numpy.uint32) * most + 127) // 255 << low).astype(numpy.uint32)
        packed = words.astype("<u2" if depth == 16 else "<u4").tobytes()
    return packed + bytes(-len(packed) % 4)


def rle8(indices):
    """The rows of a bitmap as runs."""
    out = b""
    for row in indices[::-1]:
        at = 0
        while at < len(row):
            run = 1
            while at + run < len(row) and run < 255 and row[at + run] == row[at]:
                run += 1
            out += bytes([run, int(row[at])])
            at += run
        out += b"\0\0"
    return out + b"\0\1"
