"""What files of each media type begin with: made by programs or written by hand."""

import bz2
import gzip
import io
import lzma
import py_compile
import sqlite3
import tarfile
import wave
import zipfile
from email.message import EmailMessage
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory

OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN = "application/vnd.oasis.opendocument."


def zipped(*names: str, kind: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind:
            archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
        for name in names:
            archive.writestr(name, "content " * 9)
    return out.getvalue()


def tarred(layout: int, name: str = "a/letter.txt") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=layout) as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return out.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE letters (text)")
    content = connection.serialize()
    connection.close()
    return content


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(800))
    return out.getvalue()


def compiled() -> bytes:
    with TemporaryDirectory() as folder:
        source = Path(folder, "a.py")
        source.write_text("a = 1\n")
        return Path(py_compile.compile(str(source), cfile=folder + "/a.pyc") or "").read_bytes()


def letter() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "ben@example.org", "Hi"
    message.set_content("Hello.")
    return message.as_bytes()


def media(brand: bytes, *others: bytes) -> bytes:
    box = b"ftyp" + brand + bytes(4) + b"".join(others)
    return pack(">I", len(box) + 4) + box + b"\0\0\0\x08free"


def riff(kind: bytes) -> bytes:
    return b"RIFF\x24\x10\0\0" + kind + bytes(40)


def ogg(stream: bytes) -> bytes:
    return b"OggS\0\2" + bytes(20) + b"\1\x40" + stream + bytes(20)


def ebml(kind: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\1\x42\x82" + bytes([0x80 | len(kind)]) + kind


def elf(kind: int, order: str = "<") -> bytes:
    return (
        b"\x7fELF\2"
        + pack("B10x" + order[1:], 1 if order == "<" else 2)
        + pack(order + "HHI", kind, 62, 1)
    )


def windows(mark: bytes) -> bytes:
    return b"MZ\x90\0\3" + bytes(55) + pack("<I", 64) + mark + bytes(60)


def bitmap(header: int) -> bytes:
    return b"BM" + pack("<IHHII", 99, 0, 0, 14 + header, header) + bytes(header)


def icon(kind: int) -> bytes:
    return pack("<HHHBBBBHHII", 0, kind, 1, 16, 16, 0, 0, 1, 32, 1128, 22) + bytes(40)


def jpeg2000(brand: bytes) -> bytes:
    return b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftyp" + brand + bytes(4) + brand


def frames(header: bytes, size: int) -> bytes:
    return (header + bytes(size - len(header))) * 3


def later(offset: int, mark: bytes, first: bytes = b"\1") -> bytes:
    return first + bytes(offset - len(first)) + mark + bytes(20)


XML = b'<?xml version="1.0" encoding="UTF-8"?>\n'
PEM = b"-----BEGIN "

PICTURES = [
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0", "image/png"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", "image/jpeg"),
    (b"\xff\xd8\xff\xe1\0\x10Exif\0\0II*\0", "image/jpeg"),
    (b"GIF87a\1\0\1\0\0\0\0", "image/gif"),
    (b"GIF89a\1\0\1\0\0\0\0", "image/gif"),
    (riff(b"WEBPVP8 "), "image/webp"),
    (media(b"avif", b"mif1"), "image/avif"),
    (media(b"avis"), "image/avif"),
    (media(b"heic", b"mif1"), "image/heic"),
    (media(b"hevc"), "image/heic-sequence"),
    (media(b"mif1", b"heic"), "image/heif"),
    (media(b"msf1"), "image/heif-sequence"),
    (media(b"crx ", b"isom"), "image/x-canon-cr3"),
    (b"\xff\x0a\xfa\x7f\x01\x90\x08\x06", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "image/jxl"),
    (bitmap(12), "image/bmp"),
    (bitmap(40), "image/bmp"),
    (bitmap(124), "image/bmp"),
    (b"II*\0\x08\0\0\0\x0c\0\0\1\3\0", "image/tiff"),
    (b"MM\0*\0\0\0\x08\0\x0c", "image/tiff"),
    (b"II+\0\x08\0\0\0", "image/tiff"),
    (b"MM\0+\0\x08\0\0", "image/tiff"),
    (b"II*\0\x10\0\0\0CR\2\0", "image/x-canon-cr2"),
    (b"IIRO\x08\0\0\0", "image/x-olympus-orf"),
    (b"IIRS\x08\0\0\0", "image/x-olympus-orf"),
    (b"IIU\0\x18\0\0\0", "image/x-panasonic-rw2"),
    (b"II\xbc\x01\x08\0\0\0", "image/jxr"),
    (b"FUJIFILMCCD-RAW 0201", "image/x-fuji-raf"),
    (icon(1), "image/vnd.microsoft.icon"),
    (icon(2), "image/x-win-bitmap"),
    (b"icns\0\0\1\0ic07\0\0", "image/x-icns"),
    (b"8BPS\0\1\0\0\0\0\0\0\0\3", "image/vnd.adobe.photoshop"),
    (b"gimp xcf v011\0\0\0\0\1", "image/x-xcf"),
    (b"qoif\0\0\0\1\0\0\0\1\4\0", "image/x-qoi"),
    (jpeg2000(b"jp2 "), "image/jp2"),
    (jpeg2000(b"jpx "), "image/jpx"),
    (jpeg2000(b"jpm "), "image/jpm"),
    (jpeg2000(b"mjp2"), "video/mj2"),
    (b"\xff\x4f\xff\x51\0\x29\0\0", "image/j2c"),
    (b"\x76\x2f\x31\x01\2\0\0\0channels\0", "image/x-exr"),
    (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n", "image/vnd.radiance"),
    (b"DDS \x7c\0\0\0\x07\x10\0\0", "image/x-dds"),
    (later(40, b" EMF", b"\1\0\0\0"), "image/emf"),
    (b"\xd7\xcd\xc6\x9a\0\0", "image/wmf"),
    (b"P1\n2 2\n0 1 1 0\n", "image/x-portable-bitmap"),
    (b"P4\n8 1\n\xf0", "image/x-portable-bitmap"),
    (b"P2\n1 1\n255\n1\n", "image/x-portable-graymap"),
    (b"P5\n1 1\n255\n\1", "image/x-portable-graymap"),
    (b"P3\n1 1\n255\n1 2 3\n", "image/x-portable-pixmap"),
    (b"P6\n1 1\n255\n\1\2\3", "image/x-portable-pixmap"),
    (b"P7\nWIDTH 1\n", "image/x-portable-arbitrarymap"),
    (b"\x0a\5\1\x08" + bytes(60), "image/x-pcx"),
    (b"SIMPLE  =                    T", "image/fits"),
    (later(128, b"DICM"), "application/dicom"),
    (b"AC1032\0\0\0\0\0\6\3", "image/vnd.dwg"),
    (later(36, b"acsp"), "application/vnd.iccprofile"),
]

SOUND = [
    (sound(), "audio/x-wav"),
    (b"RF64\xff\xff\xff\xffWAVEds64", "audio/x-wav"),
    (riff(b"RMIDdata"), "audio/mid"),
    (riff(b"sfbkLIST"), "audio/x-sfbk"),
    (b"ID3\4\0\0\0\0\0\x0aTSSE" + bytes(20), "audio/mpeg"),
    (frames(b"\xff\xfb\x90\x44", 417), "audio/mpeg"),
    (frames(b"\xff\xfa\x90\x44", 417), "audio/mpeg"),
    (frames(b"\xff\xf3\x80\xc4", 208), "audio/mpeg"),
    (frames(b"\xff\xf2\x80\xc4", 208), "audio/mpeg"),
    (frames(b"\xff\xe3\x20\xc4", 144), "audio/mpeg"),
    (frames(b"\xff\xfd\x84\x04", 417), "audio/mpeg"),
    (frames(b"\xff\xf1\x50\x80\x2e\x1f\xfc", 369), "audio/x-hx-aac-adts"),
    (frames(b"\xff\xf9\x50\x80\x2e\x1f\xfc", 369), "audio/x-hx-aac-adts"),
    (b"fLaC\0\0\0\x22\x10\0\x10\0", "audio/flac"),
    (ogg(b"OpusHead\1\2"), "audio/ogg"),
    (ogg(b"\1vorbis"), "audio/ogg"),
    (ogg(b"Speex   1.2"), "audio/ogg"),
    (ogg(b"\x7fFLAC\1\0"), "audio/ogg"),
    (ogg(b"unknown"), "application/ogg"),
    (b"FORM\0\0\1\0AIFFCOMM", "audio/x-aiff"),
    (b"FORM\0\0\1\0AIFCFVER", "audio/x-aiff"),
    (b"MThd\0\0\0\6\0\1\0\2\1\xe0MTrk", "audio/midi"),
    (b"#!AMR\n\x3c\x91\x17\x16", "audio/amr"),
    (b".snd\0\0\0\x18\xff\xff\xff\xff", "audio/basic"),
    (b"caff\0\1\0\0desc", "audio/x-caf"),
    (b"MAC \x96\x0f\0\0", "audio/x-ape"),
    (b"wvpk\x28\0\0\0\x10\4", "audio/x-wavpack"),
    (b"MPCKSH\x8a\0", "audio/x-musepack"),
    (media(b"M4A ", b"mp42"), "audio/x-m4a"),
    (media(b"M4B "), "audio/mp4"),
]

FILM = [
    *[(media(b, b"mp41"), "video/mp4") for b in (b"isom", b"iso5", b"mp42", b"avc1", b"dash")],
    *[(media(b), "video/mp4") for b in (b"f4v ", b"F4V ", b"MSNV", b"XAVC", b"cmfc", b"msdh")],
    (media(b"isml"), "video/mp4"),
    (media(b"M4V "), "video/x-m4v"),
    (media(b"qt  "), "video/quicktime"),
    (b"\0\0\x10\0moov\0\0\0\x6cmvhd", "video/quicktime"),
    (b"\0\x10\0\0mdat\xff\xff", "video/quicktime"),
    *[(b"\0\0\0\x08" + box + bytes(9), "video/quicktime") for box in (b"wide", b"free", b"skip")],
    (media(b"3gp5"), "video/3gpp"),
    (media(b"3g2a"), "video/3gpp2"),
    (ebml(b"webm"), "video/webm"),
    (ebml(b"matroska"), "video/x-matroska"),
    (riff(b"AVI LIST"), "video/x-msvideo"),
    (ogg(b"\x80theora\3\2"), "video/ogg"),
    (ogg(b"fishead\0\3\0"), "video/ogg"),
    (b"\0\0\1\xba\x44\0\4\0\4\1", "video/mpeg"),
    (b"\0\0\1\xb3\x16\0\xf0\xc4", "video/mpeg"),
    (frames(b"\x47\x40\0\x10\xff", 188), "video/MP2T"),
    (frames(bytes(4) + b"\x47\x40\0\x10\xff", 192) + bytes(4) + b"\x47", "video/MP2T"),
    (b"FLV\1\5\0\0\0\x09", "video/x-flv"),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "video/x-ms-asf"),
    (b".RMF\0\0\0\x12\0\0", "application/vnd.rn-realmedia"),
    (bytes.fromhex("060e2b34020501010d01020101020400"), "application/mxf"),
]

DOCUMENTS = [
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    (b"\xef\xbb\xbf%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    (b"\r\n%PDF-1.4\n1 0 obj\n", "application/pdf"),
    (b"%!PS-Adobe-3.0\n", "application/postscript"),
    (b"%!\n% a program\n", "application/postscript"),
    (b"\x04%!PS-Adobe-3.0\n", "application/postscript"),
    (b"\xc5\xd0\xd3\xc6\x20\0\0\0", "image/x-eps"),
    (b"{\\rtf1\\ansi hello}", "text/rtf"),
    (b"AT&TFORM\0\0\1\0DJVUINFO", "image/vnd.djvu"),
    (riff(b"CDRAvrsn"), "application/vnd.corel-draw"),
    (riff(b"ACONanih"), "application/x-navi-animation"),
    (later(60, b"BOOKMOBI", b"A book"), "application/x-mobipocket-ebook"),
    (b"ITSF\3\0\0\0\x60\0\0\0", "application/vnd.ms-htmlhelp"),
    (b"\xffWPC\x10\0\0\0\1\x0a", "application/vnd.wordperfect"),
    (bytes.fromhex("d0cf11e0a1b11ae1"), "application/x-ole-storage"),
    (bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3"), "application/onenote"),
    (b"!BDN\x12\x34\x56\x78SM\x17\0", "application/vnd.ms-outlook"),
    (b"\x78\x9f\x3e\x22\1\0", "application/vnd.ms-tnef"),
    (b"\0\1\0\0Standard Jet DB\0\1", "application/x-msaccess"),
    (zipped("META-INF/container.xml", kind="application/epub+zip"), "application/epub+zip"),
    *[
        (zipped("content.xml", kind=OPEN + kind), OPEN + kind)
        for kind in (
            *("text", "text-template", "text-master", "spreadsheet", "spreadsheet-template"),
            *("presentation", "presentation-template", "graphics", "formula", "chart", "image"),
            "base",
        )
    ],
    (zipped("content.xml", kind=OPEN + "database"), OPEN + "base"),
    *[
        (zipped(*names), OFFICE + kind)
        for part, kind in (
            ("word/document.xml", "wordprocessingml.document"),
            ("xl/workbook.xml", "spreadsheetml.sheet"),
            ("ppt/presentation.xml", "presentationml.presentation"),
        )
        for names in (
            ("[Content_Types].xml", "_rels/.rels", part),
            ("_rels/.rels", "docProps/app.xml", part),
            ("docProps/app.xml", part),
            ("customXml/item1.xml", part),
            (part, "_rels/.rels"),
        )
    ],
    (
        zipped("[Content_Types].xml", "visio/document.xml"),
        "application/vnd.ms-visio.drawing.main+xml",
    ),
    (zipped("[Content_Types].xml", "3D/3dmodel.model"), "model/3mf"),
    (zipped("doc.kml"), "application/vnd.google-earth.kmz"),
]

ARCHIVES = [
    (zipped("a.txt"), "application/zip"),
    (zipped("[Content_Types].xml", "a.xml"), "application/zip"),
    (zipped(), "application/zip"),
    (b"PK\7\x08PK\3\4" + bytes(30), "application/zip"),
    (gzip.compress(b"a"), "application/gzip"),
    (bz2.compress(b"a"), "application/x-bzip2"),
    (lzma.compress(b"a"), "application/x-xz"),
    (lzma.compress(b"a", lzma.FORMAT_ALONE), "application/x-lzma"),
    (b"\x5d\0\0\x80\0\x63\0\0\0\0\0\0\0\0", "application/x-lzma"),
    (b"\x28\xb5\x2f\xfd\x04\x58\x79\0\0hello", "application/zstd"),
    (b"\x04\x22\x4d\x18\x64\x40\xa7", "application/x-lz4"),
    (b"LZIP\1\x0c\0\x3c", "application/x-lzip"),
    (b"\x1f\x9d\x90\x68\xca", "application/x-compress"),
    (b"\x89LZO\0\r\n\x1a\n\x10\x40", "application/x-lzop"),
    (b"\xff\x06\0\0sNaPpY", "application/x-snappy-framed"),
    (b"7z\xbc\xaf\x27\x1c\0\4", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07\0\xcf\x90\x73", "application/x-rar"),
    (b"Rar!\x1a\x07\1\0\x33\x92", "application/x-rar"),
    *[(tarred(kind), "application/x-tar") for kind in range(3)],
    (b"MSCF\0\0\0\0\x80\1\0\0", "application/vnd.ms-cab-compressed"),
    (b"MSWIM\0\0\0\xd0\0\0\0", "application/x-ms-wim"),
    (b"\x24\0-lh5-" + bytes(20), "application/x-lzh-compressed"),
    (b"!<arch>\n/               0   ", "application/x-archive"),
    (b"!<arch>\ndebian-binary   170", "application/vnd.debian.binary-package"),
    (b"\xed\xab\xee\xdb\3\0\0\0", "application/x-rpm"),
    *[(kind + b"0000000A" * 13 + b"a\0", "application/x-cpio") for kind in (b"070701", b"070702")],
    (b"070707" + b"000001" * 10 + b"a\0", "application/x-cpio"),
    (b"\xc7\x71\1\0" + bytes(22), "application/x-cpio"),
    (b"\x71\xc7\0\1" + bytes(22), "application/x-cpio"),
    (b"xar!\0\x1c\0\1", "application/x-xar"),
    (b"Cr24\3\0\0\0\x45\2\0\0", "application/x-chrome-extension"),
    (b"hsqs\7\0\0\0", "application/vnd.squashfs"),
    (b"QFI\xfb\0\0\0\3", "application/x-qemu-disk"),
    (b"KDMV\1\0\0\0\3\0\0\0", "application/x-vmdk-disk"),
    (b"# Disk DescriptorFile\nversion=1\n", "application/x-vmdk-disk"),
    (later(64, b"\x7f\x10\xda\xbe"), "application/x-vdi-disk"),
    (b"conectix\0\0\0\2", "application/x-vhd-disk"),
    (b"vhdxfile\x4d\0\x69\0", "application/x-vhdx-disk"),
    (zipped("META-INF/MANIFEST.MF", "a/B.class"), "application/java-archive"),
    (b"PK\3\4" + bytes(22) + b"\1\0\4\0a\xfe\xca\0\0", "application/java-archive"),
    (zipped("AndroidManifest.xml"), "application/vnd.android.package-archive"),
    (
        zipped("META-INF/MANIFEST.MF", "AndroidManifest.xml"),
        "application/vnd.android.package-archive",
    ),
    (
        zipped("META-INF/com/android/build/gradle/app-metadata.properties"),
        "application/vnd.android.package-archive",
    ),
    (zipped("Payload/", "Payload/a.app/"), "application/x-ios-app"),
]
