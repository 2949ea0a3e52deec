"""What the chosen region asks for: only what applies to its type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...contract import Image2ImageRegion, Text2ImageRegion
from ...job.job_from_scene import in_words
from ...job.prompts import fields_in, filled
from ...job.regions.entries import Source, settings_of, source_of
from ...job.regions.shapes import has_silhouette
from ...job.scene_words import words_of
from ...properties import MASK_PICTURE, REROLL_TYPE, SILHOUETTE
from ..job_cache import last_cached_job
from ..operators.region_list import active_entry
from .hints import draw_hint
from .sidebar import LINE_ICONS, SidebarPanel, draw_prompts, draw_text, split_column


def _chosen(context: Any) -> Source:
    entry = active_entry(context.scene)
    assert entry is not None
    return source_of(entry)


class RegionPanel(SidebarPanel):
    """What the chosen region asks for."""

    bl_idname = "MIXDIFF_PT_region"
    bl_label = "Chosen Region"
    bl_order = 4

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Return whether a region is chosen."""
        return active_entry(context.scene) is not None

    def draw_header_preset(self, context: Any) -> None:
        """Draw the region's name."""
        self.layout.label(text=_chosen(context).name)

    def draw(self, context: Any) -> None:
        """Draw the region's problems where it has any, and its settings."""
        layout = self.layout
        chosen = _chosen(context)
        region = chosen.settings
        for problem in last_cached_job(context.scene).problems_of(chosen.id):
            text = in_words(replace(problem, region=""), in_panels=True)
            icon = LINE_ICONS[problem.severity.upper()]
            draw_text(layout, context, text[:1].upper() + text[1:], icon)
        layout.active = region.enabled
        if chosen.object is not None:
            layout.prop(region, "guide")
        layout.row().prop(region, "type", expand=True)
        if region.type == Text2ImageRegion.TYPE:
            _draw_text_region(layout, context, chosen)
            _draw_shape(layout, context, chosen)
            split_column(layout, decorate=True).prop(region, "windows")
        elif region.type == Image2ImageRegion.TYPE:
            layout.template_ID(region, "reference_image", open="image.open")
            split_column(layout, decorate=True).prop(region, "strength")
            layout.label(text="Strength Map")
            layout.template_ID(region, "strength_map", new="image.new", open="image.open")
            _draw_shape(layout, context, chosen)
        else:
            column = split_column(layout, decorate=True)
            column.prop(region, "reroll_mode")
            if region.reroll_mode == "epsilon":
                column.prop(region, "noise_eps")


def _draw_shape(layout: Any, context: Any, source: Source) -> None:
    """Draw what part of the picture a region covers, and how softly it ends."""
    region = source.settings
    column = split_column(layout, decorate=True)
    column.prop(region, "shape")
    if has_silhouette(source):
        column.prop(region, "feather_px")
        return
    if region.shape == SILHOUETTE:
        draw_text(layout, context, "Only things have one: its rectangle counts", "INFO")
    if region.shape == MASK_PICTURE:
        layout.template_ID(region, "mask", new="image.new", open="image.open")
    column = split_column(layout, decorate=True)
    if region.shape == MASK_PICTURE and region.mask is not None:
        column.prop(region, "mask_area")
    if region.type == Text2ImageRegion.TYPE:
        column.prop(region, "mask_type")
        if region.mask_type == "feather":
            column.prop(region, "feather_px")


def _draw_text_region(layout: Any, context: Any, chosen: Source) -> None:
    region = chosen.settings
    draw_prompts(layout, region)
    prompt = filled(region.prompt, words_of(context.scene, chosen))
    if any(fields_in(region.prompt)):
        draw_text(layout, context, prompt or "nothing", "FORWARD")
    draw_hint(layout, context, prompt)
    column = split_column(layout, decorate=True)
    value = column.row(align=True)
    value.active = not region.randomize_guidance
    value.prop(region, "guidance_scale")
    column.prop(region, "mask_weight")


class SeedPanel(SidebarPanel):
    """Where the chosen region's noise comes from."""

    bl_idname = "MIXDIFF_PT_region_seed"
    bl_label = "Seed and Noise"
    bl_parent_id = RegionPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """Draw what is drawn at random for this region, and from what seed."""
        region = _chosen(context).settings
        column = split_column(self.layout, decorate=True)
        column.active = region.enabled
        column.prop(region, "region_seed_digits", placeholder="random")
        if region.type != REROLL_TYPE:
            column.prop(region, "noise_eps")
        if region.type == Text2ImageRegion.TYPE:
            column.prop(region, "randomize_guidance")


class TextRegionPanel(SidebarPanel):
    """A part of the panel that a region has which is painted from a prompt."""

    bl_parent_id = RegionPanel.bl_idname
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Return whether the chosen region is painted from a prompt."""
        entry = active_entry(context.scene)
        return entry is not None and settings_of(entry).type == Text2ImageRegion.TYPE


CLASSES = (RegionPanel, SeedPanel)
