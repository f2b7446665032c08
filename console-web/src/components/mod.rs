//! Parts of pages, with PatternFly's classes and tokens. They are marked up here and not taken from
//! patternfly-yew: its components pass no test ids on, draw icons from a font of 110 KB, set style
//! attributes, which a strict content security policy forbids, and its dialog lets the keyboard out.

pub mod banner;
pub mod button;
pub mod card;
pub mod chart;
pub mod dialog;
pub mod facts;
pub mod field;
pub mod icon;
pub mod label;
pub mod menu;
pub mod meter;
pub mod notice;
pub mod stale;
