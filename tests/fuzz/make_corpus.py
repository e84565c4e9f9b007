#!/usr/bin/python3
"""make_corpus.py CORPUS: the first files of every target's corpus (findings of the fuzzers were added later).

Needs python3-opencv and python3-numpy. Deterministic.
"""
import argparse
import collections
import io
import json
import os
import pickle
import struct
import sys
import zipfile

import cv2
import numpy

root = sys.argv[1]


def put(target, name, data):
    os.makedirs(f"{root}/{target}", exist_ok=True)
    with open(f"{root}/{target}/{name}", "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def photos():
    random = numpy.random.default_rng(1)
    colour = cv2.resize(random.integers(0, 256, (4, 5, 3), dtype=numpy.uint8), (23, 17))
    gray, deep = colour[:, :, 0], colour.astype(numpy.uint16) * 257
    alpha = numpy.dstack([colour, gray])

    def encoded(extension, image, *options):
        return cv2.imencode(extension, image, list(options))[1].tobytes()

    jpeg = encoded(".jpg", colour)
    put("photos", "colour.jpg", jpeg)
    put("photos", "gray.jpg", encoded(".jpg", gray))
    put("photos", "progressive.jpg", encoded(".jpg", colour, cv2.IMWRITE_JPEG_PROGRESSIVE, 1))
    put("photos", "restarts.jpg", encoded(".jpg", colour, cv2.IMWRITE_JPEG_RST_INTERVAL, 1))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    put("photos", "turned.jpg", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    put("photos", "colour.png", encoded(".png", colour))
    put("photos", "gray.png", encoded(".png", gray))
    put("photos", "deep.png", encoded(".png", deep))
    put("photos", "alpha.png", encoded(".png", alpha))
    put("photos", "lossy.webp", encoded(".webp", colour, cv2.IMWRITE_WEBP_QUALITY, 50))
    put("photos", "lossless.webp", encoded(".webp", alpha, cv2.IMWRITE_WEBP_QUALITY, 101))
    put("photos", "packed.tiff", encoded(".tiff", colour))
    put("photos", "plain.tiff", encoded(".tiff", gray, cv2.IMWRITE_TIFF_COMPRESSION, 1))
    put("photos", "colour.bmp", encoded(".bmp", colour))
    put("photos", "one.gif", b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\xff\0!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0"
        b"\x02\x02D\x01\0;")


def results():
    def number(value):
        out = b""
        while value >= 128:
            out += bytes([value % 128 + 128])
            value //= 128
        return out + bytes([value])

    def text(words):
        return number(len(words)) + words

    head = number(7) + number(1) + number(500) + number(375) + number(10) + number(20) + number(30) + number(1 << 40)
    scores = struct.pack("<5d", 812.25, 800.0, 1000.5, 31.0, 97.5)
    hashed = bytes(range(32))
    captioned = head + b"\0" + text(b"a dog runs") + struct.pack("<d", -7.5) + number(3)
    plain = captioned + b"\0\0" + scores + b"\0"
    seen = b"\1" + struct.pack("<5d", -3.25, 0.75, 0.5, 0.125, 2.5)
    seen += number(2) + text(b"dog") + struct.pack("<f", 0.96875) + text(b"stop sign") + struct.pack("<f", 0.25)
    captioned += seen + scores + b"\0"
    near = captioned[:-1] + b"\7" + hashed + number(3) + number(5)
    blurred = head + b"\1" + scores + b"\3" + hashed + number(300)
    failed = head + b"\2" + b"\5" + text(b"no image") + b"\1" + hashed
    rejected = head + b"\3" + b"\x0a" + text(b"") + scores + b"\0"
    for name, items in (("none", []), ("each", [plain, captioned, near, blurred, failed, rejected]), ("one", [captioned])):
        put("results", name, b"\4" + text(b"host-12-ab") + number(len(items)) + b"".join(items))


def replies():
    def bulk(words):
        return b"$%d\r\n%s\r\n" % (len(words), words)

    def array(*items):
        return b"*%d\r\n%s" % (len(items), b"".join(items))

    task = array(*map(bulk, (b"i", b"7", b"a", b"1", b"r", b"photos", b"p", b"a b.jpg", b"d", b"2")))
    entry = array(bulk(b"1700000000000-3"), task)
    put("replies", "task", b"\x05" + task)
    put("replies", "entries", b"\x10" + array(entry, array(bulk(b"5-0"), b"*-1\r\n")))
    put("replies", "pending", b"\x20" + array(array(bulk(b"5-0"), bulk(b"w"), b":1000\r\n", b":2\r\n")))
    put("replies", "condemned", b"\0" + array(*map(bulk, (b"i", b"7", b"a", b"1", b"c", b"3", b"w", b"host-1-a"))))
    put("replies", "batch", b"\0" + array(bulk(b"b"), bulk(b"\2\1w\0")))
    put("replies", "errors", b"\3-NOGROUP no such key\r\n+OK\r\n$-1\r\n:12\r\n")
    put("replies", "listing", b"\0" + bulk(json.dumps({"name": "archive"}).encode()))


def spec():
    put("spec", "one", json.dumps({
        "protocol_version": 1, "preprocessing_version": 1, "run": "archive", "model_hash": "a" * 64, "roots": ["photos"],
        "search": {"beam": 3, "length_alpha": 0.7, "tokens_max": 22},
        "blur": {"mode": "full", "blur_threshold": 100.0, "normalised_side_px": 512, "tile_px": 256},
        "limits": {"pixels_max": 1000000, "file_bytes_max": 1000000, "image_timeout_s": 30},
        "lease": {"lease_ms": 30000, "beat_ms": 3000, "max_deliveries": 3}, "near_duplicates": 4, "remembers": True}))
    put("spec", "deep", "[" * 300)


def safetensors():
    header = {"__metadata__": {"made": "by \"hand\" \u00e9"},
              "a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]},
              "b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]}}
    words = json.dumps(header)
    put("safetensors", "header", words)
    put("safetensors", "file", struct.pack("<Q", len(words)) + words.encode() + bytes(16))
    put("safetensors", "long", struct.pack("<Q", 1 << 40) + words.encode())


def models():
    put("vocabulary", "words", "<end>\n<unknown>\na\ndog\nd\u00e9j\u00e0\n")
    put("model_yaml", "one", open(os.path.join(os.path.dirname(__file__), "../../models/fast/model.yaml")).read()[:900])
    put("model_yaml", "anchors", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")


def lists():
    put("concept_list", "words", "# things\npizza, pizzas | 963\ndog, dogs | 151-268 273\ngiraffe\n")
    put("concept_list", "backwards", "dog | 268-151\n")
    put("objects", "caption", "two young men riding bikes past a hot dog stand near the t-shirt shop")
    put("objects", "list", "[A]\nhot dog, hotdog\ncar, truck\n[nothing]\nhot dog stand\n\0a hot dog in a car")
    put("objects", "headings", "[B]\ncup\n[nowhere]\n\0cup")


def caption_files():
    put("caption_files", "flickr.token", "a.jpg#0\tA dog .\na.jpg#1\tTwo dogs run .\nb.jpg#0\tA cat .\n")
    put("caption_files", "kaggle.csv", 'image,caption\na.jpg,"A dog, ""big"""\nb.jpg,A cat\n')
    put("caption_files", "lines.jsonl", '{"id":"a.jpg","captions":["A dog","Dogs"]}\n{"id":"b.jpg","caption":null}\n')
    put("caption_files", "results.json", '[{"image_id":1,"caption":"a dog"},{"image_id":2,"caption":"\\u00e9"}]')
    put("caption_files", "coco.json", '{"images":[{"id":1,"file_name":"a.jpg"}],"annotations":[{"image_id":1,"caption":"A dog"}]}')
    put("caption_files", "karpathy.json",
        '{"images":[{"filename":"a.jpg","split":"test","sentences":[{"raw":"A dog","tokens":["a","dog"]}]}]}')
    put("caption_files", "list.txt", "a.jpg\n\nfolder/b.jpg\n")


class Persistent:
    def __init__(self, *what):
        self.what = what


class Pickler(pickle.Pickler):
    """Keeps Persistent objects outside, as torch.save its storages."""

    def persistent_id(self, thing):
        return thing.what if isinstance(thing, Persistent) else None


class Called:
    def __init__(self, function, *arguments):
        self.how = function, arguments

    def __reduce__(self):
        return self.how


def torch_files():
    def pickled(thing, protocol=2):
        out = io.BytesIO()
        Pickler(out, protocol).dump(thing)
        return out.getvalue()

    # functions and classes that are there without PyTorch; the reader asks for their names alone
    tensor = Called(collections.OrderedDict, [["storage", Persistent("storage", float, "0", "cpu", 4)]])
    state = collections.OrderedDict([("fc.weight", tensor), ("fc.bias", None)])
    module = argparse.Namespace(_parameters=state, _buffers={}, _modules={"inner": [1.5, 2**70, -3, True, b"x"]})
    for protocol in range(5):
        put("torch_file", f"protocol{protocol}",
            pickled({"vocab": {"1": "d\u00e9j\u00e0", "2": "it's"}, "opt": argparse.Namespace(seq_length=16),
                     "set": {1, 2}, "call": Called(print, "never")}, protocol))
    # a storage's type as PyTorch spells it, in place of float
    program = pickled({"net": module}).replace(b"c__builtin__\nfloat\n", b"ctorch\nFloatStorage\n")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (("data.pkl", program), ("data/0", struct.pack("<4f", 1, 2, 3, 4)), ("byteorder", b"little")):
            archive.writestr(zipfile.ZipInfo("net/" + name), data)
    put("torch_file", "zip", out.getvalue())
    put("torch_file", "old", pickled(0x1950A86A20F9469CFC6C) + pickled(1001) + pickled({"little_endian": True}) + program
        + pickled(["0"]) + struct.pack("<q4f", 4, 1, 2, 3, 4))


def remote():
    put("remote", "url", "https://Host.example:443/a b%20c/\u00e9.jpg?w=800&h=600#top")
    put("remote", "address", "http://[2001:db8::1]:8080/x/../a.jpg")
    put("remote", "password", "https://user:secret@host/a.jpg")
    put("remote", "bucket", "s3://my.bucket-1/2019/a b%.jpg")
    put("remote", "list", '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<Contents><Key>2019/a+b%25.jpg</Key><LastModified>2026-11-28T23:50:00.000Z</LastModified><Size>12</Size></Contents>"
        "</ListBucketResult>")
    put("remote", "error", "<Error><Code>SlowDown</Code><Message>&amp;&#60;</Message></Error>")
    put("remote", "keys", "# mine\n[default]\naws_access_key_id = AKIA\naws_secret_access_key = s/e+c\n[other\nx")


def http_requests():
    put("http_requests", "gallery", "/api/photos?run=1&state=done,unsure&since=2019-06-01&confidence_min=0.5&q=dog+%22red%20car%22&sort=blur&order=desc\n"
        "Host: localhost:8080\nIf-None-Match: W/\"a tag\", *\nCookie: a=b; photoscribe=c\n")
    put("http_requests", "token", "/?token=0123456789abcdef0123456789abcdef&root=1&folder=2019%2F\nHost: [::1]:8080\n")
    put("http_requests", "bearer", "/metrics\nHost: archive.example\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\n"
        "Origin: http://archive.example\n")
    put("http_requests", "place", "/a%20b%zz?%41=%\n")
    put("http_requests", "number", "/x?run=-9223372036854775809&blur_max=1e999&blur_min=nan&until=2019-02-30&edited=1&near_duplicates=1\nHost: 127.0.0.1\n")


photos(), remote(), results(), replies(), spec(), safetensors(), models(), lists(), caption_files(), torch_files(), http_requests()
