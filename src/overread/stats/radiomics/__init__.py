"""Radiomics features of a mask by the definitions of the Image Biomarker Standardisation Initiative."""

from overread.stats.radiomics.features import radiomics

__all__ = ["radiomics"]
