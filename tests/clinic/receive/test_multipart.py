"""The multipart parser: the same parts however the body is cut, and an error of its own for whatever is none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.clinic.receive.multipart import (
    LONGEST_HEAD_BYTES,
    Begin,
    End,
    Multipart,
    MultipartError,
    media_type,
)

Part = tuple[dict[str, str], bytes]


def parse(body: bytes, cuts: list[int] | None = None, *, boundary: str = "B", most: int = 50) -> list[Part]:
    parser, found, inside = Multipart(boundary, most_parts=most), [], False
    edges = sorted({0, len(body), *(c % (len(body) + 1) for c in cuts or [])})
    for a, b in pairwise(edges):
        for event in parser.feed(body[a:b]):
            if isinstance(event, Begin):
                assert not inside
                found.append((dict(event), b""))
                inside = True
            elif isinstance(event, End):
                inside = False
            else:
                assert inside
                found[-1] = (found[-1][0], found[-1][1] + event)
    parser.finish()
    assert not inside
    return found


def body_of(parts: list[bytes], boundary: str = "B") -> bytes:
    heads = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(heads + p + b"\r\n" for p in parts) + f"--{boundary}--\r\n".encode()


contents = st.lists(
    st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"B", b"\r\n--", b"x", b"\0"]), max_size=12).map(
        b"".join
    ),
    max_size=4,
).filter(lambda parts: not any(b"\r\n--B" in b"\r\n" + p for p in parts))


@given(contents, st.lists(st.integers(0, 10_000), max_size=30))
def test_parts_do_not_depend_on_how_the_body_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    assert [content for _, content in parse(body_of(parts), cuts)] == parts


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10))
def test_whatever_comes_is_parts_or_an_error_that_we_foresaw(body: bytes, cuts: list[int]) -> None:
    try:
        parse(b"--B\r\n" + body, cuts)
    except MultipartError:
        return


@given(contents, st.integers(0, 10_000), st.integers(0, 255))
def test_one_changed_byte_is_never_more_than_an_error(parts: list[bytes], at: int, byte: int) -> None:
    body = bytearray(body_of(parts))
    body[at % len(body)] = byte
    try:
        parse(bytes(body))
    except MultipartError:
        return


def test_head_preamble_padding_and_epilogue() -> None:
    body = (
        b"text before\r\n--B \t\r\nA:  1 \r\nb:2:3\r\n\r\nxy\r\n--B\r\n\r\n\r\n--B--  text after\r\n--B\r\n"
    )
    assert parse(body) == [({"a": "1", "b": "2:3"}, b"xy"), ({}, b"")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "closing"),
        (b"--B\r\n\r\ncontent", "closing"),
        (b"--Bx\r\n\r\n\r\n--B--", "goes on"),
        (b"--B" + b" " * 300, "goes on"),
        (b"--B\r\nno header\r\n\r\nx\r\n--B--", "no header"),
        (b"--B\r\na:" + b"x" * LONGEST_HEAD_BYTES, "head of more"),
        (b"--B\r\n\r\nx\r\n" * 51 + b"--B--", "more than 50 parts"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_what_is_no_body(body: bytes, words: str) -> None:
    with pytest.raises(MultipartError, match=words):
        parse(body)


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a b ", "a\r\nb", "ä"])
def test_what_is_no_boundary(boundary: str) -> None:
    with pytest.raises(MultipartError, match="boundary"):
        Multipart(boundary, most_parts=1)


def test_what_waits_in_memory_is_less_than_a_delimiter() -> None:
    parser = Multipart("B", most_parts=1)
    out = list(parser.feed(b"--B\r\n\r\n" + b"\r\n-" * 10_000))
    assert sum(len(e) for e in out if isinstance(e, bytes)) >= 30_000 - len(b"\r\n--B")


def test_media_type_and_its_parameters() -> None:
    assert media_type('Multipart/Related; TYPE="application/dicom"; boundary=ab') == (
        "multipart/related",
        {"type": "application/dicom", "boundary": "ab"},
    )
    assert media_type("nonsense\r\nX: y")[1] == {}
