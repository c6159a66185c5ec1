"""Our decoders and thumbnails against those of others, over every public test image that there is.

Three comparisons, each with bounds (BOUNDS) and with exceptions by name (exceptions.txt): the planes of our decoders with libjpeg-turbo and
libwebp, which are behind Pillow, and with the crate `image`; planes at a fraction of the size with averages of the full ones; thumbnails
with what Pillow makes of the file.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin

FORMATS = {"JPEG", "MPO", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "ICO"}
# Smaller thumbnails have too few pixels for their figures to say anything.
MIN_PIXELS = 64
# The most that two decoders may differ in a sample of luma, or of chroma where that has all its samples; and on the average. A decoder
# may compute the DCT otherwise, and another's luma comes back from RGB.
BOUNDS = {
    "largest": 3,
    "largest from RGB": 4,
    "mean": 0.3,
    "mean from RGB": 0.8,
    # Decibels: a plane at a fraction of the size, and the averages of the full one. A scaled DCT and an average are different filters:
    # this tells mistakes from pictures, not good from better.
    "scaled": 22,
    # Decibels: luma at a fraction of the size, and libjpeg-turbo's.
    "half likewise": 25,
    "quarter likewise": 25,
    "eighth likewise": 60,
    # Decibels: a thumbnail of 250, and Pillow's.
    "thumbnail": 30,
    # How far a channel may be off on the average.
    "bias": 2.5,
}

warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = None
MAX_PIXELS = 64_000_000


class Report:
    """What was found, and whether it may be."""

    def __init__(self, exceptions):
        self.known = {}
        for line in exceptions.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                what, name, why = line.split(None, 2)
                self.known[what.replace("_", " "), name] = why
        self.used, self.failures, self.lines = set(), [], {}

    def add(self, what, name, figure, text, fine):
        """A comparison of a file: worst figures are lowest."""
        mark = ""
        if not fine:
            key = (what, name) if (what, name) in self.known else ("*", name)
            if key in self.known:
                self.used.add(key)
                mark = f"  (known: {self.known[key]})"
            else:
                self.failures.append(f"{what}: {name}: {text}")
                mark = "  FAILED"
        self.lines.setdefault(what, []).append((figure, f"{text:<44} {name}{mark}"))

    def show(self, many):
        """Everything, worst first; returns whether all is within the bounds."""
        for what, lines in self.lines.items():
            lines.sort(key=lambda line: line[0])
            print(f"\n{what}: {len(lines)} files" + (f", the worst {many}" if many < len(lines) else ""))
            shown = lines[:many] + [line for line in lines[many:] if "FAILED" in line[1] or "(known" in line[1]]
            print("\n".join(f"  {text}" for _, text in shown))
        for what, name in sorted(set(self.known) - self.used):
            print(f"no exception any more: {what} {name}")
        for failure in self.failures:
            print(f"FAILED {failure}")
        print(f"images: {sum(map(len, self.lines.values()))} comparisons, {len(self.failures)} failed")
        return not self.failures


def decibels(a, b):
    """The peak signal-to-noise ratio."""
    error = numpy.mean((a.astype(float) - b) ** 2)
    return 99.0 if error == 0 else min(99.0, 10 * numpy.log10(255 * 255 / error))


def averages(plane, size):
    """A plane, as averages of its squares; those at the edges are of what there is."""
    for axis, wanted in enumerate(size):
        factor = 2 ** max(0, round(numpy.log2(plane.shape[axis] / wanted)))
        starts = numpy.arange(0, plane.shape[axis], factor)
        counts = numpy.minimum(starts + factor, plane.shape[axis]) - starts
        shape = (-1, 1) if axis == 0 else (1, -1)
        plane = numpy.add.reduceat(plane.astype(float), starts, axis=axis) / counts.reshape(shape)
    return plane


def luma(rgb, limited):
    """Luma from RGB, and where it can be told: no channel is at an end of its range."""
    red, green, blue = (rgb[:, :, channel].astype(float) for channel in range(3))
    full = 0.299 * red + 0.587 * green + 0.114 * blue
    inside = ((rgb > 0) & (rgb < 255)).all(axis=2)
    return (full * 219 / 255 + 16 if limited else full), inside


def answers(program, files):
    """The planes of each file: pairs of a name and {what: samples[y, x, channel]}, or a reason."""
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr)
    for file in files:
        child.stdin.write(f"{file}\n".encode())
        child.stdin.flush()
        line = child.stdout.readline().decode()
        if not line:
            raise RuntimeError(f"{program} ended at {file}")
        _, kind, *planes = line.rstrip("\n").split("\t")
        if kind == "none":
            yield file, kind, planes[0]
            continue
        read = {}
        for plane in planes:
            what, width, height, channels = plane.split(":")
            shape = (int(height), int(width), int(channels))
            samples = child.stdout.read(shape[0] * shape[1] * shape[2])
            read[what] = numpy.frombuffer(samples, numpy.uint8).reshape(shape)
        yield file, kind, read
    child.stdin.close()
    child.wait()


def compare_planes(report, name, file, kind, planes):
    """Our planes with those of other decoders."""
    ours = {what: samples[:, :, 0] for what, samples in planes.items() if what != "image"}
    first = next(what for what in ours if what.startswith("full-0"))
    color = first.split("-")[2]
    if kind == "jpeg":
        try:
            with Image.open(file) as picture:
                coded = {"Grey": "L", "YCbCr": "YCbCr", "Rgb": "RGB"}.get(color)
                if coded == "YCbCr":
                    picture.draft("YCbCr", picture.size)
                if picture.mode == coded:
                    theirs = numpy.asarray(picture).reshape(picture.height, picture.width, -1)
                    for index in range(theirs.shape[2]):
                        mine = ours[f"full-{index}-{color}"]
                        if mine.shape == theirs.shape[:2]:
                            judge(report, f"JPEG and libjpeg-turbo, component {index}", name, mine, theirs[:, :, index], "")
        except Exception as error:
            report.add("JPEG and libjpeg-turbo", name, 0, f"Pillow: {type(error).__name__} {error}"[:80], isinstance(error, OSError))
        compare_scaled(report, name, file, ours, color)
    theirs = planes.get("image")
    if kind == "webp":
        try:
            with Image.open(file) as picture:
                turbo = numpy.asarray(picture.convert("RGB"))
            judge_luma(report, "WebP and libwebp", name, ours[first], turbo, True)
        except Exception as error:
            report.add("WebP and libwebp", name, 0, f"Pillow: {type(error).__name__} {error}"[:80], False)
    if theirs is not None and color in ("Grey", "YCbCr"):
        what = f"{'JPEG' if kind == 'jpeg' else 'WebP'} and the crate image"
        if theirs.shape[2] == 1:
            judge(report, what, name, ours[first], theirs[:, :, 0], "")
        else:
            judge_luma(report, what, name, ours[first], theirs, kind == "webp")
    for what, small in ours.items():
        scale, index, _ = what.split("-")
        if scale == "full" or min(small.shape) < 2:
            continue
        # Where there was no loop filter, the full plane of a WebP differs a little.
        average = averages(ours[f"full-{index}-{color}"], small.shape)
        if average.shape == small.shape:
            quality = decibels(average, small)
            report.add(f"{kind} {scale}", name, quality, f"{quality:.1f} dB, component {index}", quality >= BOUNDS["scaled"])


def compare_scaled(report, name, file, ours, color):
    """Luma at a fraction of the size with libjpeg-turbo's, which scales in the DCT as well."""
    for scale, factor in (("half", 2), ("quarter", 4), ("eighth", 8)):
        with Image.open(file) as picture:
            if color not in ("Grey", "YCbCr") or min(picture.size) < 2 * factor:
                return
            picture.draft("L" if color == "Grey" else "YCbCr", (picture.width // factor, picture.height // factor))
            try:
                theirs = numpy.asarray(picture.getchannel(0))
            except OSError:
                return
        mine = ours[f"{scale}-0-{color}"]
        if mine.shape == theirs.shape:
            quality = decibels(mine, theirs)
            report.add(f"JPEG {scale} and libjpeg-turbo", name, quality, f"{quality:.1f} dB", quality >= BOUNDS[f"{scale} likewise"])


def judge(report, what, name, ours, theirs, suffix):
    """Samples with samples."""
    if ours.shape != theirs.shape:
        report.add(what, name, -999, f"{ours.shape} for {theirs.shape}", False)
        return
    off = abs(ours.astype(float) - theirs)
    largest, mean = off.max(), off.mean()
    fine = largest <= BOUNDS["largest" + suffix] and mean <= BOUNDS["mean" + suffix]
    report.add(what, name, -mean, f"largest {largest:.1f}, mean {mean:.3f}", fine)


def judge_luma(report, what, name, ours, rgb, limited):
    """Luma with RGB."""
    theirs, inside = luma(rgb, limited)
    if ours.shape == theirs.shape and inside.any():
        judge(report, what, name, ours[inside], theirs[inside], " from RGB")
    elif ours.shape != theirs.shape:
        report.add(what, name, -999, f"{ours.shape} for {theirs.shape}", False)


def reference(file):
    """The file as Pillow would make a thumbnail of it: upright, in sRGB, RGBA; and its format."""
    with Image.open(file) as picture:
        kind = picture.format
        if kind not in FORMATS:
            return kind, None
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError("too many pixels")
        icc = picture.info.get("icc_profile")
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith("I;16") or picture.mode == "I":
            samples = numpy.asarray(picture).astype(float)
            key = picture.info.get("transparency")
            picture = Image.fromarray((samples / 257).round().clip(0, 255).astype(numpy.uint8))
            if key is not None:
                picture = Image.merge("LA", (picture, Image.fromarray(numpy.where(samples == key, 0, 255).astype(numpy.uint8))))
        if picture.mode == "F":
            picture = Image.fromarray((numpy.asarray(picture) * 255).round().clip(0, 255).astype(numpy.uint8))
        if picture.mode in ("LA", "PA", "P", "La") or "transparency" in picture.info:
            picture = picture.convert("RGBA")
        elif picture.mode == "1":
            picture = picture.convert("L")
        if icc:
            picture = to_srgb(picture, icc)
        return kind, picture.convert("RGBA")


def to_srgb(picture, icc):
    """By Little CMS; a profile that cannot be applied is ignored."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        colours = ImageCms.profileToProfile(colours, space, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    if alpha:
        colours.putalpha(alpha)
    return colours


def thumbnail(picture, size):
    """Premultiplied samples, by Lanczos."""
    samples = numpy.asarray(picture).astype(numpy.float32)
    samples[:, :, :3] *= samples[:, :, 3:] / 255
    if size == picture.size:
        return samples
    channels = [Image.fromarray(samples[:, :, channel]).resize(size, Image.Resampling.LANCZOS) for channel in range(4)]
    return numpy.dstack([numpy.asarray(channel) for channel in channels]).clip(0, 255)


def as_lossy(samples, small):
    """What becomes of samples in a JPEG with the tables and the sampling of this one: what is lost so is no mistake."""
    if small.format != "JPEG":
        return samples
    out = io.BytesIO()
    picture = Image.fromarray(samples[:, :, :3].round().astype(numpy.uint8))
    if small.mode == "L":
        picture = picture.convert("L")
    sampling = JpegImagePlugin.get_sampling(small)
    picture.save(out, "JPEG", qtables=small.quantization, subsampling=max(sampling, 0))
    return numpy.asarray(Image.open(out).convert("RGBA")).astype(numpy.float32)


def compare_thumbnail(report, name, file, outcome, folder):
    """Our thumbnail of 250 with Pillow's; or which of the two has none."""
    state, *rest = outcome
    try:
        kind, picture = reference(file)
        problem = None
    except Exception as error:
        kind, picture, problem = None, None, f"{type(error).__name__}: {error}"
    if picture is None:
        if state == "ready" and kind is None:
            report.add("only we make a thumbnail", name, 0, problem[:70], True)
        elif state == "panicked":
            report.add("only Pillow opens it", name, -1, "we panicked", False)
        return
    if state != "ready":
        report.add("only Pillow opens it", name, 0, f"{state}: {rest[0]}", False)
        return
    if picture.size != (int(rest[0]), int(rest[1])):
        report.add("thumbnails", name, -1, f"{rest[0]} x {rest[1]} for {picture.width} x {picture.height}", False)
        return
    with Image.open(folder / rest[5]) as small:
        ours = thumbnail(small.convert("RGBA"), small.size)
        theirs = as_lossy(thumbnail(picture, small.size), small)
    bias = (ours - theirs).mean(axis=(0, 1))
    quality, worst = decibels(ours, theirs), max(bias, key=abs)
    fine = quality >= BOUNDS["thumbnail"] and abs(worst) <= BOUNDS["bias"] or ours[:, :, 0].size < MIN_PIXELS
    report.add("thumbnails", name, quality, f"{quality:.1f} dB, mean {abs(ours - theirs).mean():.2f}, bias {worst:+.2f}", fine)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("servers", type=Path)
    parser.add_argument("programs", type=Path)
    parser.add_argument("exceptions", type=Path)
    parser.add_argument("filters", nargs="*")
    options = parser.parse_args()
    roots = [options.servers / "pillow", options.servers / "debian/usr/share/libjxl-testdata"]
    files = sorted(file for root in roots for file in root.rglob("*") if file.is_file() and file.name != "complete")
    if options.filters:
        files = [file for file in files if any(part in str(file) for part in options.filters)]
    if not roots[1].exists():
        print("images: libjxl-testdata is not there, and is left out")
    names = {file: str(file.relative_to(options.servers)).replace("debian/usr/share/", "").replace(" ", "_") for file in files}
    report = Report(options.exceptions)

    # The libraries behind Pillow write to standard error by themselves.
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with tempfile.TemporaryDirectory() as folder:
        compare_thumbnails(report, names, options.programs / "look", Path(folder))
    compare_decoders(report, names, options.programs / "planes")
    sys.exit(0 if report.show(10_000 if options.all else 12) else 1)


def compare_thumbnails(report, names, program, folder):
    """Of all files."""
    listed = "".join(f"{file}\n" for file in names)
    done = subprocess.run([program, folder], input=listed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    outcomes = {Path(line.split("\t")[0]): line.split("\t")[1:] for line in done.stdout.splitlines()}
    with ThreadPoolExecutor() as pool:
        # Pillow and NumPy let other threads run while they work.
        list(pool.map(lambda file: compare_thumbnail(report, names[file], file, outcomes[file], folder), names))


def compare_decoders(report, names, program):
    """Of all files that our own decoders read."""
    photos = []
    for file in names:
        with file.open("rb") as opened:
            head = opened.read(12)
        if head[:2] == b"\xff\xd8" or head[8:] == b"WEBP":
            photos.append(file)
    for file, kind, planes in answers(program, photos):
        if kind == "none":
            report.add("left to another decoder", names[file], 0, planes, True)
        else:
            compare_planes(report, names[file], file, kind, planes)


main()
