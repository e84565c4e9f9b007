#!/usr/bin/env python3
"""Draws the photos of this folder and writes OpenCV's blur score of each into opencv_scores.tsv.

usage: make_photos.py            draws and scores (needs Debian's python3-opencv, python3-numpy and python3-pil)
       make_photos.py --score    scores the files that are there and leaves them as they are

The score is numpy.var(cv2.Laplacian(cv2.imread(file, cv2.IMREAD_GRAYSCALE), cv2.CV_64F)), at full precision. Nothing
of this project's code takes part. What encoders write differs from version to version, so the files are committed,
not made by the tests. What decoders read does not: JPEG's accurate transform (islow) is exact in integers (held: the
same scores with libjpeg-turbo's vector code switched off, JSIMD_FORCENONE=1), a gray decode takes the luma as it is,
WebP's decoder is exact by its specification, and the other formats lose nothing.
"""
import pathlib
import sys

import cv2
import numpy as np

HERE = pathlib.Path(__file__).parent


def gradient(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x + y) % 256]).astype(np.uint8)


def street(width, height, seed):
    """Sky, ground, houses with windows, a sun, a sign: edges of every direction, like a photo's."""
    rng = np.random.default_rng(seed)
    picture = gradient(width, height) // 3 + 120
    picture[height * 2 // 3 :] = (70, 90, 80)
    for _ in range(7):
        left, wide = int(rng.integers(0, width)), int(rng.integers(width // 12 + 1, width // 5 + 2))
        top = int(rng.integers(height // 8, height // 2))
        colour = [int(c) for c in rng.integers(40, 230, 3)]
        cv2.rectangle(picture, (left, top), (left + wide, height * 2 // 3), colour, -1)
        for wx in range(left + 3, left + wide - 3, max(4, wide // 4)):
            for wy in range(top + 4, height * 2 // 3 - 4, max(6, height // 14)):
                cv2.rectangle(picture, (wx, wy), (wx + max(1, wide // 9), wy + max(2, height // 30)), (30, 40, 60), -1)
    cv2.circle(picture, (width * 4 // 5, height // 6), max(2, height // 12), (240, 220, 90), -1, cv2.LINE_AA)
    cv2.putText(picture, "PHOTO", (width // 10, height * 9 // 10), cv2.FONT_HERSHEY_SIMPLEX, height / 200, (250, 250, 250), 2)
    return picture


def meadow(width, height, seed):
    """Noise of several sizes over green, a round animal on it."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for step in (2, 5, 13, 40):
        coarse = rng.random((height // step + 2, width // step + 2, 3), np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) * 60
    picture = (picture * (0.7, 1.0, 0.5)).clip(0, 255).astype(np.uint8)
    centre = (width // 3, height // 2)
    cv2.ellipse(picture, centre, (width // 6, height // 8), 0, 0, 360, (140, 90, 50), -1, cv2.LINE_AA)
    cv2.circle(picture, (centre[0] + width // 6, centre[1] - height // 10), max(2, height // 14), (150, 100, 60), -1, cv2.LINE_AA)
    return picture


def noise(width, height, seed, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (height, width, 3)).astype(np.uint8)


def blurred(picture, sigma):
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def moved(picture, length):
    """As a camera that moved sideways while the shutter was open."""
    return cv2.filter2D(picture, -1, np.full((1, length), 1 / length))


def checkers(width, height, side):
    y, x = np.mgrid[0:height, 0:width]
    return np.repeat((((x // side + y // side) % 2) * 255).astype(np.uint8)[:, :, None], 3, 2)


def gray(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def draw():
    from PIL import Image

    def save(name, picture, mode=None, orientation=None, **options):
        image = Image.fromarray(picture)
        if mode:
            image = image.convert(mode)
        if orientation:
            exif = Image.Exif()
            exif[0x0112] = orientation
            options["exif"] = exif
        image.save(HERE / name, **options)

    full, small = (320, 240), (160, 120)
    # 4:2:0 is PIL's subsampling 2, 4:2:2 is 1, 4:4:4 is 0.
    save("street.jpg", street(*full, 1), quality=85)
    save("street_blurred.jpg", blurred(street(*full, 2), 2.5), quality=85)
    save("street_moved.jpg", moved(street(*full, 3), 15), quality=85)
    save("street_progressive.jpg", street(*full, 4), quality=75, progressive=True)
    save("street_422.jpg", street(*small, 5), quality=90, subsampling=1)
    save("street_444.jpg", street(*small, 6), quality=95, subsampling=0)
    save("street_gray.jpg", gray(street(*full, 7)), quality=80)
    save("street_poor.jpg", street(*full, 8), quality=12)
    save("street_on_its_side.jpg", street(240, 180, 9), quality=80, orientation=6)
    save("street_upside_down.jpg", street(240, 180, 10), quality=80, orientation=3, progressive=True)
    save("street_mirrored.jpg", street(200, 150, 11), quality=80, orientation=2)
    save("street_cmyk.jpg", street(*small, 12), mode="CMYK", quality=85)
    save("meadow.jpg", meadow(*full, 13), quality=70)
    save("meadow_blurred.jpg", blurred(meadow(*full, 14), 4), quality=80)
    save("meadow_tall.jpg", meadow(150, 300, 15), quality=75, optimize=True)
    save("meadow_odd_size.jpg", meadow(233, 171, 16), quality=75)
    save("noise.jpg", noise(96, 64, 17), quality=70)
    save("dark.jpg", noise(*small, 18, 0, 12), quality=75)
    save("one_colour.jpg", np.full((60, 80, 3), 128, np.uint8), quality=90)
    save("one_pixel.jpg", np.full((1, 1, 3), 200, np.uint8), quality=90)
    save("narrow.jpg", street(200, 40, 19)[:5], quality=90)
    save("street.png", street(*small, 20))
    save("street_palette.png", street(*small, 21), mode="P")
    save("street_gray.png", gray(street(*small, 22)))
    save("street_alpha.png", street(120, 90, 23), mode="RGBA")
    save("black_and_white.png", gray(street(*small, 24)), mode="1")
    save("meadow_16_bit_gray.png", gray(meadow(90, 70, 25)).astype(np.uint16) * 257)
    save("checkers.png", checkers(65, 49, 4))
    save("one_column.png", gradient(1, 40))
    save("meadow.webp", meadow(*full, 26), quality=60)
    save("street_lossless.webp", street(*small, 27), lossless=True)
    save("street.bmp", street(100, 75, 28))
    save("street.tif", street(*small, 29), compression="tiff_lzw")
    save("meadow_gray.tif", gray(meadow(100, 70, 30)))


def scores():
    for file in sorted(HERE.iterdir()):
        if file.suffix in (".py", ".tsv"):
            continue
        decoded = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        assert decoded is not None, file
        yield file.name, float(np.var(cv2.Laplacian(decoded, cv2.CV_64F)))


def main():
    if sys.argv[1:] != ["--score"]:
        draw()
    with open(HERE / "opencv_scores.tsv", "w", encoding="utf-8") as table:
        table.write("photo\tvariance of the Laplacian by OpenCV %s, NumPy %s\n" % (cv2.__version__, np.__version__))
        for name, score in scores():
            table.write("%s\t%r\n" % (name, score))


main()
