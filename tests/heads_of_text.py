"""What programs, scripts, texts, fonts and data begin with, by media type."""

from tests.heads import PEM, XML, compiled, database, elf, later, letter, windows

PROGRAMS = [
    (elf(1), "application/x-object"),
    (elf(2), "application/x-executable"),
    (elf(3), "application/x-sharedlib"),
    (elf(4), "application/x-coredump"),
    (elf(1, ">"), "application/x-object"),
    (elf(2, ">"), "application/x-executable"),
    (elf(3, ">"), "application/x-sharedlib"),
    (elf(4, ">"), "application/x-coredump"),
    (elf(9), "application/x-executable"),
    (b"\x7fELF", "application/x-executable"),
    (windows(b"PE\0\0\x64\x86"), "application/x-dosexec"),
    (windows(b"NE\5\1"), "application/x-dosexec"),
    (windows(b""), "application/x-dosexec"),
    (bytes.fromhex("cefaedfe0700000003000000"), "application/x-mach-binary"),
    (bytes.fromhex("cffaedfe0700000103000000"), "application/x-mach-binary"),
    (bytes.fromhex("feedface0000001200000000"), "application/x-mach-binary"),
    (bytes.fromhex("feedfacf0100001200000000"), "application/x-mach-binary"),
    (bytes.fromhex("cafebabe0000000201000007"), "application/x-mach-binary"),
    (bytes.fromhex("cafebabf0000000201000007"), "application/x-mach-binary"),
    (bytes.fromhex("cafebabe00000041001d0a00"), "application/x-java-applet"),
    (bytes.fromhex("cafebabe0003002d001d0a00"), "application/x-java-applet"),
    (b"\0asm\1\0\0\0", "application/wasm"),
    (b"dex\n035\0\1\2", "application/x-dex"),
    (compiled(), "application/x-bytecode.python"),
    (bytes.fromhex("03f30d0a112233446300"), "application/x-bytecode.python"),
    (b"L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "application/x-ms-shortcut"),
    *[
        (mark + b"\x08\x40\0\0\0", "application/x-shockwave-flash")
        for mark in (b"FWS", b"CWS", b"ZWS")
    ],
    (b"[InternetShortcut]\r\nURL=https://example.org/\r\n", "application/x-mswinurl"),
    (b"[Desktop Entry]\nType=Application\n", "application/x-desktop"),
    (b"Windows Registry Editor Version 5.00\r\n", "text/x-ms-regedit"),
    ("Windows Registry Editor Version 5.00\r\n".encode("utf-16"), "text/x-ms-regedit"),
    (b"REGEDIT4\r\n\r\n", "text/x-ms-regedit"),
    (b"@ECHO OFF\r\ndir\r\n", "text/x-msdos-batch"),
    (b"@rem a program\r\n", "text/x-msdos-batch"),
    (b"<?php echo 1;", "text/x-php"),
    (b"\n<?PHP\necho 1;", "text/x-php"),
    (b"<?= 1 ?>", "text/x-php"),
]

INTERPRETERS = {
    "text/x-shellscript": ("sh", "bash", "dash", "zsh", "ksh", "csh", "tcsh", "fish"),
    "text/x-script.python": ("python", "python3", "python3.11"),
    "text/x-perl": ("perl", "perl5.36"),
    "text/x-ruby": ("ruby",),
    "text/javascript": ("node", "nodejs", "deno", "bun"),
    "text/x-php": ("php", "php8.2"),
    "text/x-awk": ("awk", "gawk", "mawk"),
    "text/x-lua": ("lua", "luajit"),
    "text/x-tcl": ("tclsh", "wish"),
    "text/plain": ("unheard-of",),
}
PATHS = ("/bin/", "/usr/bin/", "/usr/local/bin/", "/usr/bin/env ", "/usr/bin/env -S ", " /bin/")
SCRIPTS = [
    (f"#!{path}{name} -x\nexit\n".encode(), media_type)
    for media_type, names in INTERPRETERS.items()
    for name in names
    for path in PATHS
] + [
    (b"#!/bin/sh\r\nexit\r\n", "text/x-shellscript"),
    (b"\xef\xbb\xbf#!/bin/sh\nexit\n", "text/x-shellscript"),
    (b"#!/bin/sh\nexit\n\0\1\2\xff", "text/x-shellscript"),
]

TAGS = (
    *("html", "head", "script", "iframe", "h1", "div", "font", "table"),
    *("a", "style", "title", "b", "body", "br", "p", "!doctype html"),
)
MARKUP = [
    *[
        (before + b"<" + written.encode() + after, "text/html")
        for tag in TAGS
        for written in (tag, tag.upper())
        for before in (b"", b" \t\r\n\x0c", b"\xef\xbb\xbf")
        for after in (b">", b" x=1>")
    ],
    (b"<!DOCTYPE   html>", "text/html"),
    (b"<script\nsrc=a></script>", "text/html"),
    (b"<script/src=a></script>", "text/html"),
    (b" " * 8000 + b"<script>alert(1)</script>", "text/html"),
    (b"<html>\0\1\2<script>alert(1)</script>", "text/html"),
    ("<html><script>alert(1)</script>".encode("utf-16"), "text/html"),
    (b"\xfe\xff" + "<html><script>alert(1)</script>".encode("utf-16-be"), "text/html"),
    (b"<!-- a -->", "text/html"),
    (b"<!-- a", "text/html"),
    (b"<!-- a --><html>", "text/html"),
    (b"<!-- <svg --><script>alert(1)</script>", "text/html"),
    (b"<!-- a --> words <svg>", "text/html"),
    (b"<!-- a -->" * 99 + b"<script>", "text/html"),
    (b"<html><svg>", "text/html"),
    (b"<p >ftypavif\0\0\0\0", "text/html"),
    (b"<a >moov\0\0\0\0", "text/html"),
    (b"<script>,b,c\n" * 20, "text/html"),
    (XML + b"<a/>", "text/xml"),
    (b"\n" + XML + b"<a/>", "text/xml"),
    (b"\xef\xbb\xbf" + XML + b"<a/>", "text/xml"),
    ((XML + b"<a/>").decode().encode("utf-16"), "text/xml"),
    (XML, "text/xml"),
    (XML + b"<!-- a --><!-- b --><!-- c --><svg/>", "text/xml"),
    (XML + b"<a><svg/></a>", "text/xml"),
    (XML + b"<svgs/>", "text/xml"),
    (XML + b'<html xmlns="http://www.w3.org/1999/xhtml"><svg/>', "application/xhtml+xml"),
    (XML + b'<!DOCTYPE html PUBLIC "a" "b"><html>', "application/xhtml+xml"),
    *[
        (before + b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "image/svg+xml")
        for before in (
            *(b"", b"\n ", b"\xef\xbb\xbf\n", b"<!-- a -->\n", b"<!-- a --> <!-- b -->"),
            *(XML, XML + b"<!-- <html> -->\n", XML + b"<!-- a -->\n<!-- b -->\n"),
        )
    ],
    (b"<svg/>", "image/svg+xml"),
    (b"<svg\nwidth='1'/>", "image/svg+xml"),
    (b"<svg:svg xmlns:svg='a'/>", "image/svg+xml"),
    (XML + b'<!-- a -->\n<!DOCTYPE svg PUBLIC "a" "b" [<!ENTITY a "b">]>', "image/svg+xml"),
    ((XML + b"<svg/>").decode().encode("utf-16"), "image/svg+xml"),
]

TEXTS = [
    (b"hello, world\n", "text/plain"),
    ("Grüße\n".encode(), "text/plain"),
    ("Grüße\n".encode("latin-1"), "text/plain"),
    ("Grüße\n".encode("utf-16"), "text/plain"),
    (b"<alice@example.org> wrote:\n", "text/plain"),
    (b"<brown> <address> <pre>\n", "text/plain"),
    (b"#include <stdio.h>\nint main(void) { return 0; }\n", "text/plain"),
    (b"import os\n\n\ndef f(x):\n    return x\n", "text/plain"),
    (b"MZ, BM, RIFF and P6 begin files. 070701 too.\n", "text/plain"),
    (b"GIF8 is no header\n", "text/plain"),
    (b"\n\n\n\nmoov is a box\n", "text/plain"),
    (b'{"a": [1, 2, 3]}', "application/json"),
    (b"a,b,c\n" + b"1,2,3\n" * 20, "text/csv"),
    (letter(), "message/rfc822"),
    *[
        (name + b": a\nFrom: ann@example.org\n\nHi\n", "message/rfc822")
        for name in (
            *(b"Return-Path", b"Received", b"Delivered-To", b"DKIM-Signature", b"ARC-Seal"),
            *(b"X-Original-To", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version"),
        )
    ],
    (b"From: a friend of mine\n", "text/plain"),
    (b"From ann@example.org Mon Jan  1\nMessage-ID: <a@b>\n\nHi\n", "application/mbox"),
    (b"From the beginning\n", "text/plain"),
    (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "text/vcard"),
    (b"begin:vcalendar\r\nversion:2.0\r\n", "text/calendar"),
    (PEM + b"CERTIFICATE-----\nMIIB\n", "application/x-pem-file"),
    (PEM + b"PGP MESSAGE-----\n\nhQ\n", "application/pgp-encrypted"),
    (PEM + b"PGP SIGNATURE-----\n\niQ\n", "application/pgp-signature"),
    (PEM + b"PGP PUBLIC KEY BLOCK-----\n\nmQ\n", "application/pgp-keys"),
    (PEM + b"PGP PRIVATE KEY BLOCK-----\n\nmQ\n", "application/pgp-keys"),
    (PEM + b"PGP SIGNED MESSAGE-----\nHash: SHA512\n", "text/PGP"),
    (b"diff --git a/x b/x\n", "text/x-diff"),
    (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n", "text/x-diff"),
    (b"*** a/x\n--- b/x\n***************\n", "text/x-diff"),
    (b"Index: x\n======\n", "text/x-diff"),
    (b"--- no difference\n", "text/plain"),
    (b"\\documentclass{article}\n", "text/x-tex"),
    (b"% a letter\n\\documentclass{article}\n", "text/x-tex"),
    (b"\\documentstyle{article}\n", "text/x-tex"),
    (b"\\begin{document}\n", "text/x-tex"),
    (b"\\input{a}\n", "text/x-tex"),
    (b"1\n00:00:01,000 --> 00:00:02,000\nHi\n", "application/x-subrip"),
    (b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\nHi\r\n", "application/x-subrip"),
    (b"WEBVTT\n\n00:01.000 --> 00:04.000\nHi\n", "text/vtt"),
    (b"#EXTM3U\n#EXTINF:1,a\na.mp3\n", "application/vnd.apple.mpegurl"),
    (b"#VRML V2.0 utf8\n", "model/vrml"),
    (b"ISO-10303-21;\nHEADER;\n", "model/step"),
    (b"WARC/1.0\r\nWARC-Type: warcinfo\r\n", "application/warc"),
]

FONTS = [
    (b"\0\1\0\0\0\x0f\0\x80\0\3\0\x70GDEF", "font/sfnt"),
    (b"true\0\x0f\0\x80\0\3\0\x70cmap", "font/sfnt"),
    (b"OTTO\0\x0b\0\x80\0\3\0\x30CFF ", "application/vnd.ms-opentype"),
    (b"ttcf\0\1\0\0\0\0\0\2", "font/collection"),
    (b"wOFF\0\1\0\0", "font/woff"),
    (b"wOF2\0\1\0\0", "font/woff2"),
    *[
        (later(34, b"LP", bytes(8) + version), "application/vnd.ms-fontobject")
        for version in (b"\0\0\1\0", b"\1\0\2\0", b"\2\0\2\0")
    ],
    (b"\x80\1\xd5\x0a\0\0%!PS-AdobeFont-1.0: a", "application/x-font-type1"),
]

DATA = [
    (database(), "application/vnd.sqlite3"),
    (b"PAR1\x15\4\x15\x20\x15\x24", "application/vnd.apache.parquet"),
    (b"ARROW1\0\0\xff\xff\xff\xff", "application/vnd.apache.arrow.file"),
    (b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0", "application/x-hdf5"),
    *[(b"CDF" + version + bytes(8), "application/x-netcdf") for version in (b"\1", b"\2", b"\5")],
    (b"\x93NUMPY\1\0\x76\0{'descr': '<f8', ", "application/x-numpy"),
    (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "application/x-matlab-data"),
    *[
        (bytes.fromhex(mark) + bytes(20), "application/vnd.tcpdump.pcap")
        for mark in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d")
    ],
    (bytes.fromhex("0a0d0d0a1c0000004d3c2b1a01000000"), "application/x-pcapng"),
    (bytes.fromhex("0a0d0d0a0000001c1a2b3c4d00010000"), "application/x-pcapng"),
    (b"# v2 git bundle\n0123 refs/heads/main\n", "application/x-git-bundle"),
    (b"# v3 git bundle\n@object-format=sha1\n", "application/x-git-bundle"),
    (b"PACK\0\0\0\2\0\0\0\1\x90", "application/x-git"),
    *[
        (b"d" + key + b"1:a", "application/x-bittorrent")
        for key in (
            *(b"8:announce", b"10:created by", b"13:announce-list", b"13:creation date"),
            b"4:infod",
        )
    ],
    (b"glTF\2\0\0\0\x40\0\0\0", "model/gltf-binary"),
    (b"ASTM-E57\1\0\0\0", "model/e57"),
    (b"BLENDER-v300REND", "application/x-blender"),
    (b"BLENDER_V279REND", "application/x-blender"),
    (bytes.fromhex("03d9a29a67fb4bb500000400"), "application/x-keepass2"),
    (b"bplist00\xd1\1\2", "application/x-bplist"),
    (bytes.fromhex("feedfeed00000002"), "application/x-java-keystore"),
    (bytes.fromhex("de12049500000000"), "application/x-gettext-translation"),
    (bytes.fromhex("950412de00000000"), "application/x-gettext-translation"),
    (b"MDMP\x93\xa7\0\0", "application/x-dmp"),
]

# What begins like something, and is not that.
NOTHING = [
    (head + b"\0\1\2", "application/octet-stream")
    for head in (
        bytes(2000),
        b"BM" + bytes(60),
        b"MThd\0\0\0\7",
        b"RIFF\x24\x10\0\0ABCD",
        b"\0\0\1\0\1\0\x10\x10\0\1\1\0\x20\0\x68\4\0\0\x16\0\0\0",
        b"\0\0\2\0\0\0\0\0\0\0\0\0\x10\0\x10\0\x18\0\xff\0\0",
        b"\1\0\0\x18ftypavif\0\0\0\0",
        b"\0\0\0\x18ftypABCD\0\0\0\0",
        b"\0\1\0\0freeABCD\0\0\0\0",
        b"\x7f\0\0\0moov\0\0",
        b"\x1a\x45\xdf\xa3\x80\0\0",
        b"ID3\xff\xff\0\0\0\0\0",
        b"ID3\4\0\0\x80\0\0\0",
        b"\xff\xfb\x90\x44" + bytes(2000),
        b"\xff\xfb\xf0\x44" * 9,
        b"\xff\xfb\x9c\x44" * 9,
        b"\xff\xfb\x00\x44" * 9,
        b"\xff\xfb\x90\x46" * 9,
        b"G" + bytes(2000),
        b"\xca\xfe\xba\xc0\0\0\0\2",
        bytes(4) + b"\x47" + bytes(191) + b"\x47" + bytes(383) + b"\x47",
        b"\x5d\0\0\x80\0\1\1\1\1\1\1\1",
    )
]
