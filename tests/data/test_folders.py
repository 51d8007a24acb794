"""Real images are read alike from folders, zips and tars; a broken one is named."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from prism.data.classes import load_classes
from prism.data.folders import EvaluationData, ImageFolder, ImageSet, load_images
from prism.data.images import decode_image
from prism.errors import DataError


@pytest.fixture
def files(picture, encode) -> dict[str, bytes]:
    """Five encoded images in three class folders, by path; their order is not that of classes."""
    return {
        "set/test/cat/10.png": encode(picture(1)),
        "set/test/ant/2.jpg": encode(picture(2), "JPEG"),
        "set/test/ant/1.png": encode(picture(3)),
        "set/test/bee/deeper/1.png": encode(picture(4)),
        "set/test/cat/9.png": encode(picture(5)),
        "set/test/cat/notes.txt": b"no image",
        "set/test/readme.png": b"in no class",
        "set/test/cat/._9.png": b"hidden",
        "set/test/__MACOSX/x.png": b"hidden",
        "set/train/dog/1.png": b"of another split",
    }


@pytest.fixture(params=["folder", "zip", "tar", "tar.gz"])
def place(request, files, tmp_path) -> str:
    """The files as an image specification of each kind."""
    path = tmp_path / f"images.{request.param}"
    if request.param == "folder":
        write_folder(path, files)
    elif request.param == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz" if request.param == "tar.gz" else "w") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return f"{path}!set/test"


def write_folder(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def test_images_are_ordered_by_class_and_name_wherever_they_lie(place, picture, files):
    found = load_images(place, 32)
    assert found.images.shape == (5, 32, 32, 3) and found.images.dtype == np.uint8
    assert found.labels.tolist() == [0, 0, 1, 2, 2] and found.labels.dtype == np.int64
    assert np.array_equal(found.images[0], picture(3))  # ant/1.png before ant/2.jpg
    assert np.array_equal(found.images[1], decode_image(files["set/test/ant/2.jpg"], None, name="ant"))
    assert np.array_equal(found.images[2], picture(4))
    assert np.array_equal(found.images[3], picture(1))  # cat/10.png before cat/9.png: names, not numbers
    assert found.name == place


def test_broken_image_is_named_wherever_it_lies(place, files, tmp_path):
    broken = files["set/test/cat/9.png"][:-40]
    write_folder(tmp_path / "again", files | {"set/test/cat/9.png": broken})
    with pytest.raises(DataError, match=r"cat/9.png: is not a whole image"):
        load_images(f"{tmp_path}/again!set/test", 32)


def test_mapping_gives_the_folder_of_each_class_in_order(place, picture):
    found = load_images(place, 32, mapping=["cat", "ant"])
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert np.array_equal(found.images[0], picture(1))
    found = load_images(place, 32, mapping={"cat": 1, "bee": 1, "ant": 0})
    assert found.labels.tolist() == [0, 0, 1, 1, 1]


def test_first_images_of_each_class_can_be_asked_for(place):
    assert load_images(place, 32, per_class=1).labels.tolist() == [0, 1, 2]


def test_classes_with_fewer_images_than_asked_for_are_told_of(place, caplog):
    assert load_images(place, 32, mapping=["cat", "ant"], per_class=2).labels.tolist() == [0, 0, 1, 1]
    assert not caplog.messages
    load_images(place, 32, mapping=["cat", "ant", "bee"], per_class=2)
    (message,) = caplog.messages
    assert "1 of 3 classes have fewer than the 2 images asked for; class 2 has 1" in message


def write_list(path: Path, names: str) -> Path:
    path.write_text("".join(f"- {{name: {name}, gloss: a thing}}\n" for name in names.split()))
    return path


def test_classes_find_their_folders_by_name(place, tmp_path):
    classes = load_classes(write_list(tmp_path / "c.yaml", "Cat bee"))
    assert load_images(place, 32, classes=classes).labels.tolist() == [0, 0, 1]
    assert load_images(ImageFolder(place, classes), 32).labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (["cat", "dog"], "no folder 'dog', which the mapping names; there are ant, bee, cat"),
        (["cat", "cat"], "the mapping names a folder twice"),
        (["cat"], "the mapping names 1 folders for 2 classes"),
        ({"cat": 5}, "gives folder 'cat' class 5, which does not exist"),
    ],
)
def test_mapping_that_does_not_fit_is_refused(place, tmp_path, mapping, message):
    classes = load_classes(write_list(tmp_path / "c.yaml", "Cat bee"))
    with pytest.raises(DataError, match=message):
        load_images(place, 32, classes=classes, mapping=mapping)


def test_class_without_a_folder_is_refused(place, tmp_path):
    classes = load_classes(write_list(tmp_path / "c.yaml", "cat wolf"))
    with pytest.raises(DataError, match="no folder 'wolf' for a class; there are ant, bee, cat"):
        load_images(place, 32, classes=classes)


def test_two_classes_never_share_a_folder(place, tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("- {name: cat, sense: pet, gloss: a}\n- {name: cat, sense: whip, gloss: b}\n")
    with pytest.raises(DataError, match="folder 'cat' fits two classes"):
        load_images(place, 32, classes=load_classes(path))


def test_places_without_images_are_refused(tmp_path, files):
    with pytest.raises(DataError, match="none.zip: there is no such folder or archive"):
        load_images(tmp_path / "none.zip", 32)
    write_folder(tmp_path, files)
    with pytest.raises(DataError, match="holds no class folders"):
        load_images(f"{tmp_path}!set/nothing", 32)
    (tmp_path / "text.tar").write_text("no archive")
    with pytest.raises(DataError, match="text.tar: is no folder, and no whole zip or tar"):
        load_images(tmp_path / "text.tar", 32)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archive_cut_short_is_refused(kind, tmp_path, files, encode, picture):
    path = tmp_path / f"images.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("cat/1.png", encode(picture(1, 64)))
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            for number in range(3):
                info = tarfile.TarInfo(f"cat/{number}.png")
                data = encode(picture(number, 64))
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    data = path.read_bytes()
    end = data.index(b"cat/2.png") + 600 if kind == "tar" else len(data) * 2 // 3
    path.write_bytes(data[:end])
    with pytest.raises(DataError, match=f"images.{kind}"):
        load_images(path, 32)


def test_flipped_byte_in_a_zip_is_found_and_named(tmp_path, encode, picture):
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.png", encode(picture(1, 64)))
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"images.zip!cat/1.png: cannot be read \(Bad CRC-32"):
        load_images(path, 32)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_every_cut_of_an_image_is_refused_or_read_whole(format, picture, encode):
    data = encode(picture(1), format)
    for end in (0, 1, 10, len(data) // 4, len(data) // 2, len(data) - 20):
        try:
            found = decode_image(data[:end], 16, name="x.img")
        except DataError as error:
            assert "x.img: is not a whole image" in str(error)
        else:  # only a checksum or an end marker is missing
            assert end > len(data) // 2 and np.array_equal(found, decode_image(data, 16, name="whole"))


def test_grey_and_palette_images_become_rgb(picture):
    from PIL import Image

    for mode in ("L", "P", "RGBA", "1"):
        buffer = io.BytesIO()
        Image.fromarray(picture(1)).convert(mode).save(buffer, "PNG")
        assert decode_image(buffer.getvalue(), 16, name=mode).shape == (16, 16, 3)


def test_images_are_cropped_to_their_centre_square_and_never_stretched(encode):
    wide = np.zeros((32, 64, 3), np.uint8)
    wide[:, 16:48] = 255  # exactly the centre square is white
    assert (decode_image(encode(wide), 32, name="wide") == 255).all()
    tall = wide.transpose(1, 0, 2).copy()
    assert (decode_image(encode(tall), 16, name="tall")[4:-4] == 255).all()


def test_reduced_decoding_of_large_jpeg_is_close_to_the_full_one(picture, encode):
    large = picture(7, 512)
    reduced = decode_image(encode(large, "JPEG"), 32, name="large")
    full = decode_image(encode(large), 32, name="large")
    assert np.abs(reduced.astype(int) - full.astype(int)).mean() < 2


def test_image_set_refuses_other_types(picture):
    images, labels = np.stack([picture(1)]), np.zeros(1, np.int64)
    assert len(ImageSet(images, labels, "a")) == 1
    with pytest.raises(DataError, match="a: images are float32"):
        ImageSet(images.astype(np.float32), labels, "a")
    with pytest.raises(DataError, match="a: labels are int32"):
        ImageSet(images, labels.astype(np.int32), "a")
    with pytest.raises(DataError, match="a: labels are int64"):
        ImageSet(images, np.zeros(2, np.int64), "a")


def test_only_the_named_readers_open_real_data(picture):
    real = EvaluationData(ImageSet(np.stack([picture(1)]), np.zeros(1, np.int64), "photos"))
    for reader in ("evaluation", "generalization", "real"):
        assert len(real.open_for(reader)) == 1
    for reader in ("synthesis", "distillation", "prompts"):
        with pytest.raises(DataError, match=f"photos: holds real images, which '{reader}' may not read"):
            real.open_for(reader)
    assert not isinstance(real, ImageSet) and not hasattr(real, "images")


# ------------------------------------------------------------------------------------------------- real data


def test_cifar10_is_read_from_its_zip(shared_data, project_root):
    classes = load_classes(project_root / "config/classes/cifar10.yaml")
    spec = f"{shared_data}/cifar10/cifar10_jpg.zip!cifar10/test"
    found = load_images(spec, 32, classes=classes, per_class=20)
    assert found.images.shape == (200, 32, 32, 3)
    assert np.array_equal(found.labels, np.repeat(np.arange(10), 20))
    assert 100 < found.images.mean() < 140  # CIFAR-10's mean is about 121


def test_pacs_is_read_from_its_tar_with_a_mapping(shared_data):
    domain = f"{shared_data}/pacs64/pacs64.tar!pacs/photo"
    found = load_images(domain, 32, mapping=["person", "dog"], per_class=30)
    assert found.images.shape == (60, 32, 32, 3) and found.labels.sum() == 30
