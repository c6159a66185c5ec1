"""A picture in which every mistake shows: turned or mirrored, wrong colours, wrong tones, hidden colours."""

import numpy
from PIL import Image, ImageDraw

SIZE = (600, 450)


def scene(size=SIZE):
    """RGB: sky, sun and hill, an F on a house, all hues, all greys, skin."""
    width, height = 1200, 900
    y, x = numpy.mgrid[0:height, 0:width].astype(float)
    sky = numpy.stack([90 + y / 9, 150 + y / 10, 235 - y / 40 + 0 * x], axis=2)
    picture = Image.fromarray(sky.clip(0, 255).astype(numpy.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((900, 60, 1080, 240), fill=(255, 214, 40))
    draw.polygon([(0, 620), (420, 380), (800, 560), (1200, 420), (1200, 900), (0, 900)], fill=(52, 128, 58))
    draw.polygon([(150, 380), (300, 230), (450, 380)], fill=(110, 60, 40))
    draw.rectangle((170, 380, 430, 660), fill=(196, 48, 40))
    for box in [(240, 430, 270, 620), (240, 430, 370, 460), (240, 505, 340, 535)]:
        draw.rectangle(box, fill=(250, 246, 235))
    for index, skin in enumerate([(255, 224, 196), (234, 192, 150), (186, 130, 90), (120, 76, 50), (72, 44, 30)]):
        draw.ellipse((560 + 110 * index, 480, 650 + 110 * index, 570), fill=skin)
    pixels = numpy.array(picture).astype(float)
    # All hues, from dark to light.
    hue = x[680:800] / width * 6
    channels = [numpy.clip(abs((hue + turn) % 6 - 3) - 1, 0, 1) for turn in (0, 4, 2)]
    light = (y[680:800] - 680) / 120
    pixels[680:800] = numpy.stack([255 * numpy.where(light < 0.5, 2 * light * c, c + (2 * light - 1) * (1 - c)) for c in channels], axis=2)
    # All greys, and steps of them.
    pixels[800:850] = (x[800:850] / width * 255)[:, :, None]
    pixels[850:900] = (numpy.floor(x[850:900] / width * 11) * 25.5)[:, :, None]
    return Image.fromarray(pixels.round().clip(0, 255).astype(numpy.uint8)).resize(size, Image.Resampling.BOX)


def cut_out(size=SIZE):
    """RGBA: the scene behind a soft disc. What is hidden has colours of its own, which must not show."""
    width, height = size
    picture = numpy.array(scene(size)).astype(float)
    y, x = numpy.mgrid[0:height, 0:width]
    distance = numpy.hypot(x - width / 2, y - height / 2)
    alpha = ((height * 0.45 - distance) / 40).clip(0, 1)
    picture[alpha == 0] = (255, 0, 255)
    return Image.fromarray(numpy.dstack([picture, alpha * 255]).round().astype(numpy.uint8), "RGBA")


def deep(picture):
    """The samples of a picture with 16 bits each; the lower eight are not a copy of the upper."""
    samples = numpy.array(picture).astype(numpy.uint32)
    noise = numpy.random.default_rng(7).integers(0, 256, samples.shape, numpy.uint32)
    return numpy.where(samples == 255, 65535, samples * 256 + noise).astype(numpy.uint16)
