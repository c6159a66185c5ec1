"""The set of pictures that are looked at: every way in which people's images differ, made from one scene.

Each goes into a folder, with a list of all in pictures.json: its section, its name, its file, and where no browser shows
the format, a PNG of what should be seen.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy
from PIL import Image, ImageCms, ImageOps

import writers
from profiles import display_p3, grey_profile, matrix_profile
from scene import cut_out, deep, scene

folder = Path(sys.argv[1])
servers = Path(sys.argv[2])
debian = servers / "debian"
profiles = debian / "usr/share/color/icc"
listed = []


def add(section, name, extension, data, reference=None):
    """A picture of the set."""
    stem = f"{section}-{name}".lower().replace(" ", "-").replace(":", "").replace("/", "-").replace(",", "").replace("%", "").replace("'", "")
    (folder / f"{stem}.{extension}").write_bytes(data)
    entry = {"section": section, "name": name, "file": f"{stem}.{extension}"}
    if reference is not None:
        entry["reference"] = f"{stem}.reference.png"
        reference.save(folder / entry["reference"])
    listed.append(entry)


def saved(picture, kind, **options):
    """A file by Pillow."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif(orientation):
    """EXIF that says nothing but the orientation."""
    tags = Image.Exif()
    tags[0x112] = orientation
    return tags.tobytes()


def profile(name):
    """A colour profile of Debian's, or none."""
    path = profiles / name
    return path.read_bytes() if path.exists() else None


def cjpeg(picture, *options):
    """A file by libjpeg-turbo's own program, or none."""
    program = debian / "usr/bin/cjpeg"
    if not program.exists():
        return None
    libraries = ":".join(str(path) for path in (debian / "usr/lib").glob("*-linux-*"))
    environment = os.environ | {"LD_LIBRARY_PATH": libraries}
    return subprocess.run([program, *options], input=saved(picture, "PPM"), stdout=subprocess.PIPE, env=environment, check=True).stdout


RGB = scene()
GREY = RGB.convert("L")
SOFT = cut_out()


def orientations():
    """All eight, stored such that all should look the same."""
    turns = [None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM]
    turns += [Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270]
    for number, turn in enumerate(turns, 1):
        stored = RGB if turn is None else RGB.transpose(turn)
        tags = exif(number)
        add("orientation", f"JPEG {number}", "jpg", saved(stored, "JPEG", quality=92, exif=tags))
        add("orientation", f"PNG {number}", "png", saved(stored, "PNG", exif=tags))
        add("orientation", f"WebP {number}", "webp", saved(stored, "WEBP", quality=92, exif=tags))
        add("orientation", f"TIFF {number}", "tif", saved(stored, "TIFF", exif=tags), RGB)


def jpegs():
    """The ways to write a JPEG."""
    for name, options in {
        "baseline 4:2:0": {"subsampling": "4:2:0"},
        "4:2:2": {"subsampling": "4:2:2"},
        "4:4:4": {"subsampling": "4:4:4"},
        "progressive": {"progressive": True},
        "progressive 4:4:4": {"progressive": True, "subsampling": "4:4:4"},
        "restart": {"restart_marker_blocks": 3},
        "progressive restart": {"progressive": True, "restart_marker_rows": 1},
        "quality 5": {"quality": 5},
        "quality 100": {"quality": 100},
    }.items():
        add("jpeg", name, "jpg", saved(RGB, "JPEG", **{"quality": 92} | options))
    add("jpeg", "grey", "jpg", saved(GREY, "JPEG", quality=92))
    add("jpeg", "grey progressive", "jpg", saved(GREY, "JPEG", quality=92, progressive=True))
    for name, options in {
        "4:1:1": ["-sample", "4x1"],
        "4:4:0": ["-sample", "1x2"],
        "4:1:0": ["-sample", "4x2"],
        "chroma finer than luma": ["-sample", "1x1,2x2,2x2"],
        "uneven 2x2,2x1,1x2": ["-sample", "2x2,2x1,1x2"],
        "3x1": ["-sample", "3x1"],
        "RGB": ["-rgb"],
        "RGB progressive": ["-rgb", "-progressive"],
        "arithmetic": ["-arithmetic"],
        "arithmetic progressive": ["-arithmetic", "-progressive"],
    }.items():
        data = cjpeg(RGB, "-quality", "92", *options)
        if data:
            add("jpeg", name, "jpg", data)
    odd = RGB.crop((3, 5, 596, 444))
    add("jpeg", "odd size 593x439", "jpg", saved(odd, "JPEG", quality=92))
    add("jpeg", "odd size progressive", "jpg", saved(odd, "JPEG", quality=92, progressive=True))
    add("jpeg", "smaller than a thumbnail", "jpg", saved(RGB.resize((120, 90)), "JPEG", quality=92))
    add("jpeg", "17x11", "jpg", saved(RGB.resize((17, 11)), "JPEG", quality=92))


def inks():
    """CMYK, with and without a profile."""
    press = profile("ghostscript/default_cmyk.icc")
    plain = RGB.convert("CMYK")
    pictures = {"": (plain, None)}
    if press:
        printed = ImageCms.profileToProfile(RGB, ImageCms.createProfile("sRGB"), io.BytesIO(press), outputMode="CMYK")
        pictures[" with profile"] = (printed, press)
    for suffix, (picture, icc) in pictures.items():
        options = {"quality": 92} | ({"icc_profile": icc} if icc else {})
        adobe = saved(picture, "JPEG", **options)
        add("inks", "CMYK Adobe" + suffix, "jpg", adobe)
        add("inks", "CMYK progressive" + suffix, "jpg", saved(picture, "JPEG", progressive=True, **options))
        add("inks", "YCCK" + suffix, "jpg", ycck(picture, options))
        marker = adobe.index(b"\xff\xee")
        # Browsers take 255 for no ink, whether the marker is there or not.
        add("inks", "CMYK without Adobe's marker" + suffix, "jpg", adobe[:marker] + adobe[marker + 16 :])
        straight = saved(inverted(picture), "JPEG", **options)
        add("inks", "CMYK without Adobe's marker, 0 is no ink" + suffix, "jpg", straight[:marker] + straight[marker + 16 :])
        add("inks", "TIFF CMYK" + suffix, "tif", saved(picture, "TIFF", compression="tiff_lzw", **({"icc_profile": icc} if icc else {})), RGB)


def inverted(picture):
    """Every sample taken from 255."""
    return Image.merge(picture.mode, [ImageOps.invert(channel) for channel in picture.split()])


def ycck(picture, options):
    """Adobe's YCCK: what is stored as CMYK by Pillow is this, and the marker says so."""
    # As stored, C, M and Y are inverted like K; a decoder gets them as 255 minus the RGB that YCC stands for. So that RGB is ink.
    cyan, magenta, yellow, black = picture.split()
    planes = [*Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split(), ImageOps.invert(black)]
    data = saved(inverted(Image.merge("CMYK", planes)), "JPEG", **options)
    marker = data.index(b"\xff\xee") + 4
    assert data[marker : marker + 5] == b"Adobe"
    return data[: marker + 11] + b"\x02" + data[marker + 12 :]


def profiled():
    """Colour profiles."""
    all_profiles = {
        "Display P3": display_p3(),
        "swapped channels": matrix_profile([(0.3851, 0.7169, 0.0971), (0.4361, 0.2225, 0.0139), (0.1431, 0.0606, 0.7141)], 2.2),
        "linear": matrix_profile([(0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)], 1.0),
        "Adobe RGB": profile("colord/AdobeRGB1998.icc"),
        "ProPhoto RGB": profile("colord/ProPhotoRGB.icc"),
        "swapped (colord)": profile("colord/SwappedRedAndGreen.icc"),
        "L-star RGB": profile("LStar-RGB.icc"),
        "e-sRGB (tables)": profile("ghostscript/esrgb.icc"),
    }
    for name, icc in all_profiles.items():
        if icc:
            add("profile", f"JPEG {name}", "jpg", saved(RGB, "JPEG", quality=92, icc_profile=icc))
    icc = all_profiles["swapped channels"]
    add("profile", "JPEG progressive, swapped", "jpg", saved(RGB, "JPEG", quality=92, progressive=True, icc_profile=icc))
    add("profile", "PNG swapped", "png", saved(RGB, "PNG", icc_profile=icc))
    add("profile", "PNG Display P3", "png", saved(RGB, "PNG", icc_profile=all_profiles["Display P3"]))
    add("profile", "PNG alpha, swapped", "png", saved(SOFT, "PNG", icc_profile=icc))
    add("profile", "PNG palette, swapped", "png", saved(RGB.quantize(64), "PNG", icc_profile=icc))
    compressed = b"p\0\0" + zlib.compress(icc)
    add("profile", "PNG 16 bit, swapped", "png", writers.png(deep(RGB), 16, 2, [(b"iCCP", compressed)]))
    add("profile", "WebP lossy, swapped", "webp", saved(RGB, "WEBP", quality=92, icc_profile=icc))
    add("profile", "WebP lossless, swapped", "webp", saved(RGB, "WEBP", lossless=True, icc_profile=icc))
    add("profile", "WebP alpha, swapped", "webp", saved(SOFT, "WEBP", quality=92, icc_profile=icc))
    swapped = Image.merge("RGB", [RGB.split()[channel] for channel in (1, 0, 2)])
    add("profile", "TIFF swapped", "tif", saved(RGB, "TIFF", icc_profile=icc), swapped)
    for gamma in (1.0, 1.8):
        icc = grey_profile(gamma)
        add("profile", f"JPEG grey, gamma {gamma}", "jpg", saved(GREY, "JPEG", quality=92, icc_profile=icc))
        add("profile", f"PNG grey, gamma {gamma}", "png", saved(GREY, "PNG", icc_profile=icc))
    add("profile", "JPEG coloured with a grey profile", "jpg", saved(RGB, "JPEG", quality=92, icc_profile=grey_profile(1.0)))
    add("profile", "JPEG grey with an RGB profile", "jpg", saved(GREY, "JPEG", quality=92, icc_profile=all_profiles["linear"]))
    add("profile", "JPEG with rubbish for a profile", "jpg", saved(RGB, "JPEG", quality=92, icc_profile=b"no profile" * 20))
    chunks = [(b"gAMA", struct.pack(">I", 100000))]
    add("profile", "PNG gAMA 1.0", "png", writers.png(numpy.array(RGB), 8, 2, chunks))
    add("profile", "PNG gAMA 1/2.2", "png", writers.png(numpy.array(RGB), 8, 2, [(b"gAMA", struct.pack(">I", 45455))]))
    add("profile", "PNG gAMA 1.0 and sRGB", "png", writers.png(numpy.array(RGB), 8, 2, [(b"sRGB", b"\0"), *chunks]))
    chromaticities = struct.pack(">8I", 31270, 32900, 30000, 60000, 64000, 33000, 15000, 6000)
    chunks = [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chromaticities)]
    add("profile", "PNG gAMA and swapped cHRM", "png", writers.png(numpy.array(RGB), 8, 2, chunks))
    add("profile", "PNG cICP Display P3", "png", writers.png(numpy.array(RGB), 8, 2, [(b"cICP", b"\x0c\x0d\0\1")]))


def pngs():
    """The kinds of PNG, plain and interlaced."""
    rgb, grey, soft = numpy.array(RGB), numpy.array(GREY)[:, :, None], numpy.array(SOFT)
    grey_soft = numpy.dstack([numpy.array(SOFT.convert("L")), soft[:, :, 3]])
    indexed = RGB.quantize(256)
    indices = numpy.array(indexed)[:, :, None]
    palette = (b"PLTE", bytes(indexed.getpalette()[:768]).ljust(768, b"\0"))
    few = RGB.quantize(16)
    kinds = {
        "RGB": (rgb, 8, 2, []),
        "RGBA": (soft, 8, 6, []),
        "grey": (grey, 8, 0, []),
        "grey and alpha": (grey_soft, 8, 4, []),
        "palette": (indices, 8, 3, [palette]),
        "palette of 16": (numpy.array(few)[:, :, None], 4, 3, [(b"PLTE", bytes(few.getpalette()[:48]))]),
        "RGB 16 bit": (deep(RGB), 16, 2, []),
        "RGBA 16 bit": (deep(SOFT), 16, 6, []),
        "grey 16 bit": (deep(GREY)[:, :, None], 16, 0, []),
        "grey and alpha 16 bit": (deep(grey_soft), 16, 4, []),
        "grey 1 bit": (grey >> 7, 1, 0, []),
        "grey 2 bit": (grey >> 6, 2, 0, []),
        "grey 4 bit": (grey >> 4, 4, 0, []),
    }
    for name, (samples, depth, kind, chunks) in kinds.items():
        add("png", name, "png", writers.png(samples, depth, kind, chunks))
        add("png", f"{name}, interlaced", "png", writers.png(samples, depth, kind, chunks, interlaced=True))
    fading = (b"tRNS", bytes(range(256)))
    add("png", "palette with tRNS", "png", writers.png(indices, 8, 3, [palette, fading]))
    add("png", "palette with tRNS, interlaced", "png", writers.png(indices, 8, 3, [palette, fading], interlaced=True))
    key = tuple(int(sample) for sample in rgb[300, 150])
    add("png", "RGB with a colour key", "png", writers.png(rgb, 8, 2, [(b"tRNS", struct.pack(">3H", *key))]))
    add("png", "grey with a colour key", "png", writers.png(grey, 8, 0, [(b"tRNS", struct.pack(">H", int(grey[300, 150, 0])))]))
    add("png", "grey 1 bit with a colour key", "png", writers.png(grey >> 7, 1, 0, [(b"tRNS", b"\0\1")]))
    samples = deep(RGB)
    samples[100:200, 100:300] = (1000, 2000, 3000)
    add("png", "RGB 16 bit with a colour key", "png", writers.png(samples, 16, 2, [(b"tRNS", struct.pack(">3H", 1000, 2000, 3000))]))
    samples = deep(GREY)[:, :, None]
    samples[100:200, 100:300] = 1000
    add("png", "grey 16 bit with a colour key", "png", writers.png(samples, 16, 0, [(b"tRNS", struct.pack(">H", 1000))]))
    add("png", "1x1", "png", writers.png(rgb[:1, :1], 8, 2))
    add("png", "3x600", "png", writers.png(rgb[:, :3], 8, 2))


def animations():
    """Of which the first frame is seen."""
    second = inverted(RGB)
    ten_seconds = 10_000
    add("animation", "APNG", "png", saved(RGB, "PNG", save_all=True, append_images=[second], duration=ten_seconds))
    add("animation", "APNG, default image apart", "png", saved(second, "PNG", save_all=True, append_images=[RGB], duration=ten_seconds, default_image=True))
    add("animation", "WebP", "webp", saved(RGB, "WEBP", save_all=True, append_images=[second], duration=ten_seconds, quality=90))
    small = RGB.resize((300, 200))
    for name, options in {"lossy": {"quality": 90}, "lossless": {"lossless": True}}.items():
        frames = [(100, 60, 300, 200, saved(small, "WEBP", **options), ten_seconds), (0, 0, 600, 450, saved(second, "WEBP", quality=90), ten_seconds)]
        add("animation", f"WebP, first frame smaller, {name}", "webp", writers.animated_webp((600, 450), frames))
    soft = saved(SOFT, "WEBP", quality=90)
    frames = [(0, 0, 600, 450, soft, ten_seconds), (0, 0, 600, 450, saved(second, "WEBP", quality=90), ten_seconds)]
    add("animation", "WebP, transparent", "webp", writers.animated_webp((600, 450), frames))
    indexed = RGB.quantize(127)
    colours = numpy.array(indexed.getpalette()[: 3 * 127]).reshape(-1, 3).tolist() + [[255, 0, 255]]
    indices = numpy.array(indexed)
    holes = indices.copy()
    holes[numpy.array(SOFT)[:, :, 3] < 128] = 127
    other = (indices + 60) % 127
    part = indices[100:300, 150:450]
    for name, first in {
        "GIF": (0, 0, indices, None, 1, 1000),
        "GIF, transparent": (0, 0, holes, 127, 1, 1000),
        "GIF, first frame smaller": (150, 100, part, None, 1, 1000),
        "GIF, first frame smaller, transparent": (150, 100, holes[100:300, 150:450], 127, 2, 1000),
        "GIF, frame larger than the screen": (0, 0, indices, None, 1, 1000),
    }.items():
        canvas = (400, 300) if "larger" in name else (600, 450)
        add("animation", name, "gif", writers.gif(canvas, colours, [first, (0, 0, other, None, 1, 1000)]))
    add("animation", "GIF, one frame, by Pillow", "gif", saved(indexed, "GIF"))
    add("animation", "GIF, interlaced", "gif", saved(indexed, "GIF", interlace=1))


def webps():
    """Still WebP."""
    for name, picture, options in [
        ("lossy", RGB, {"quality": 80}),
        ("lossy 100", RGB, {"quality": 100}),
        ("lossy 5", RGB, {"quality": 5}),
        ("lossless", RGB, {"lossless": True}),
        ("lossy with alpha", SOFT, {"quality": 80}),
        ("lossless with alpha", SOFT, {"lossless": True}),
        ("lossless, colours kept", SOFT, {"lossless": True, "exact": True}),
        ("lossy, rough alpha", SOFT, {"quality": 80, "alpha_quality": 20}),
        ("fast", RGB, {"quality": 80, "method": 0}),
        ("slow", RGB, {"quality": 80, "method": 6}),
        ("odd size", RGB.crop((3, 5, 596, 444)), {"quality": 80}),
        ("grey", GREY.convert("RGB"), {"quality": 80}),
        ("few colours, lossless", RGB.quantize(12).convert("RGB"), {"lossless": True}),
    ]:
        add("webp", name, "webp", saved(picture, "WEBP", **options))


def tiffs():
    """The kinds of TIFF; no browser shows them."""
    for compression in ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        add("tiff", f"RGB {compression}", "tif", saved(RGB, "TIFF", compression=compression), RGB)
    add("tiff", "RGB predictor", "tif", saved(RGB, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}), RGB)
    add("tiff", "RGBA", "tif", saved(SOFT, "TIFF", compression="tiff_lzw"), SOFT)
    add("tiff", "grey", "tif", saved(GREY, "TIFF", compression="packbits"), GREY)
    add("tiff", "grey 16 bit", "tif", saved(Image.fromarray(deep(GREY)), "TIFF"), GREY)
    bits = RGB.convert("1")
    for compression in ("raw", "group3", "group4", "packbits"):
        add("tiff", f"1 bit {compression}", "tif", saved(bits, "TIFF", compression=compression), bits)
    indexed = RGB.quantize(256)
    add("tiff", "palette", "tif", saved(indexed, "TIFF", compression="tiff_lzw"), indexed.convert("RGB"))
    add("tiff", "Lab", "tif", saved(ImageCms.profileToProfile(RGB, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"), "TIFF"), RGB)
    big = saved(RGB, "TIFF", big_tiff=True)
    add("tiff", "BigTIFF", "tif", big, RGB)
    floats = Image.fromarray((numpy.array(GREY) / 255).astype(numpy.float32))
    add("tiff", "grey float", "tif", saved(floats, "TIFF"), GREY)
    two = saved(RGB, "TIFF", save_all=True, append_images=[inverted(RGB)])
    add("tiff", "two pages", "tif", two, RGB)


def bmps():
    """The kinds of bitmap."""
    rgb, soft = numpy.array(RGB), numpy.array(SOFT)
    indexed = RGB.quantize(256)
    palette = numpy.array(indexed.getpalette()[:768]).reshape(-1, 3).tolist()
    few = RGB.quantize(16)
    few_palette = numpy.array(few.getpalette()[:48]).reshape(-1, 3).tolist()
    two = numpy.array(RGB.convert("1")).astype(numpy.uint8)
    wide = [0xFF0000, 0xFF00, 0xFF, 0xFF000000]
    for name, data in {
        "24 bit": writers.bmp(rgb, 24),
        "24 bit, top down": writers.bmp(rgb, 24, top_down=True),
        "32 bit": writers.bmp(rgb, 32),
        "16 bit (5-5-5)": writers.bmp(rgb, 16),
        "16 bit (5-6-5)": writers.bmp(rgb, 16, masks=[0xF800, 0x7E0, 0x1F]),
        "32 bit, masks": writers.bmp(rgb, 32, masks=[0xFF, 0xFF00, 0xFF0000]),
        "32 bit, alpha (V4)": writers.bmp(soft, 32, masks=wide, header=108),
        "32 bit, alpha (V5)": writers.bmp(soft, 32, masks=wide, header=124),
        "8 bit": writers.bmp(numpy.array(indexed), 8, palette=palette),
        "8 bit, runs": writers.bmp(numpy.array(indexed), 8, palette=palette, compression=1, data=writers.rle8(numpy.array(indexed))),
        "4 bit": writers.bmp(numpy.array(few), 4, palette=few_palette),
        "1 bit": writers.bmp(two, 1, palette=[[10, 20, 120], [250, 240, 200]]),
        "OS/2 header": writers.bmp(rgb, 24, header=12),
        "OS/2 header, 8 bit": writers.bmp(numpy.array(indexed), 8, header=12, palette=palette),
    }.items():
        add("bmp", name, "bmp", data)


def icons():
    """Icons of several sizes."""
    square = SOFT.crop((75, 0, 525, 450))
    sizes = [(16, 16), (32, 32), (48, 48), (256, 256)]
    add("ico", "PNG in four sizes", "ico", saved(square.resize((256, 256)), "ICO", sizes=sizes))
    add("ico", "bitmaps in three sizes", "ico", saved(square.resize((256, 256)), "ICO", sizes=sizes[:3], bitmap_format="bmp"))
    add("ico", "one of 64", "ico", saved(square.resize((256, 256)), "ICO", sizes=[(64, 64)], bitmap_format="bmp"))


def damaged():
    """Cut and flipped files."""
    tags = exif(1)
    indexed = RGB.quantize(127)
    colours = numpy.array(indexed.getpalette()[: 3 * 127]).reshape(-1, 3).tolist()
    rgb = numpy.array(RGB)
    whole = {
        "JPEG": ("jpg", saved(RGB, "JPEG", quality=92, exif=tags)),
        "JPEG progressive": ("jpg", saved(RGB, "JPEG", quality=92, progressive=True)),
        "JPEG restart": ("jpg", saved(RGB, "JPEG", quality=92, restart_marker_rows=1)),
        "PNG": ("png", writers.png(rgb, 8, 2)),
        "PNG interlaced": ("png", writers.png(rgb, 8, 2, interlaced=True)),
        "PNG RGBA": ("png", writers.png(numpy.array(SOFT), 8, 6)),
        "WebP lossy": ("webp", saved(RGB, "WEBP", quality=90)),
        "WebP lossless": ("webp", saved(RGB, "WEBP", lossless=True)),
        "WebP alpha": ("webp", saved(SOFT, "WEBP", quality=90)),
        "GIF": ("gif", writers.gif((600, 450), colours, [(0, 0, numpy.array(indexed), None, 1, 1000)], loops=False)),
        "BMP": ("bmp", writers.bmp(rgb, 24)),
        "TIFF": ("tif", saved(RGB, "TIFF", compression="tiff_lzw")),
        "ICO": ("ico", saved(SOFT.resize((256, 256)), "ICO", sizes=[(256, 256)], bitmap_format="bmp")),
    }
    header = {"jpg": 300, "png": 40, "webp": 24, "gif": 30, "bmp": 40, "tif": 6, "ico": 30}
    for name, (extension, data) in whole.items():
        reference = RGB if extension == "tif" else None
        for part in (10, 50, 90):
            add("damaged", f"{name} {part}%", extension, data[: len(data) * part // 100], reference)
        add("damaged", f"{name} cut in the header", extension, data[: header[extension]], reference)
        flipped = bytearray(data)
        random = numpy.random.default_rng(len(data))
        for at in random.integers(max(700, len(data) // 3), len(data), 3):
            flipped[at] ^= 1 << int(random.integers(8))
        add("damaged", f"{name} three bits flipped", extension, bytes(flipped), reference)
    jpeg = whole["JPEG"][1]
    add("damaged", "JPEG without its end", "jpg", jpeg[:-2])
    add("damaged", "JPEG with rubbish behind it", "jpg", jpeg + bytes(range(256)) * 8)
    png = whole["PNG"][1]
    add("damaged", "PNG without IEND", "png", png[:-12])
    wrong = bytearray(png)
    at = png.index(b"IDAT", 12000) - 6
    wrong[at] ^= 1
    add("damaged", "PNG wrong checksum in the middle", "png", bytes(wrong))


folder.mkdir(parents=True, exist_ok=True)
for makes in (orientations, jpegs, inks, profiled, pngs, animations, webps, tiffs, bmps, icons, damaged):
    makes()
(folder / "pictures.json").write_text(json.dumps(listed, indent=1))
