"""Networks for label maps by name, in the order of their invention."""

from __future__ import annotations

from overread.nets.architecture import Architecture
from overread.nets.attention_unet import ATTENTION_UNET
from overread.nets.mednext import MEDNEXTS
from overread.nets.resenc_unet import RESENC_UNET
from overread.nets.segresnet import SEGRESNET
from overread.nets.swin_unetr import SWIN_UNETR
from overread.nets.transunet import TRANSUNET
from overread.nets.unet import DYNUNET, UNET
from overread.nets.unetr import UNETR_NETWORK
from overread.nets.vnet import VNET

LABEL_MAPS: dict[str, Architecture] = {
    "unet": UNET,
    "vnet": VNET,
    "attention_unet": ATTENTION_UNET,
    "segresnet": SEGRESNET,
    "transunet": TRANSUNET,
    "unetr": UNETR_NETWORK,
    "dynunet": DYNUNET,
    "swin_unetr": SWIN_UNETR,
    **MEDNEXTS,
    "resenc_unet": RESENC_UNET,
}
