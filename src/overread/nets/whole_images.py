"""Networks for whole images by name, in the order of their invention."""

from __future__ import annotations

from overread.nets.alexnet import ALEXNET
from overread.nets.architecture import Architecture
from overread.nets.coatnet import COATNETS
from overread.nets.convnext import CONVNEXTS
from overread.nets.densenet import DENSENETS
from overread.nets.efficientnet import EFFICIENTNETS
from overread.nets.efficientnet_lite import EFFICIENTNET_LITE0
from overread.nets.inception import INCEPTION
from overread.nets.lenet import LENET
from overread.nets.resnet import RESNETS
from overread.nets.swin import SWINS
from overread.nets.vgg import VGGS
from overread.nets.vit import VITS

WHOLE_IMAGES: dict[str, Architecture] = {
    "lenet": LENET,
    "alexnet": ALEXNET,
    **VGGS,
    "inception": INCEPTION,
    **RESNETS,
    **DENSENETS,
    **EFFICIENTNETS,
    "efficientnet_lite0": EFFICIENTNET_LITE0,
    **CONVNEXTS,
    **VITS,
    **SWINS,
    **COATNETS,
}
