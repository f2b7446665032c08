//! Bars that show parts of a whole: [`bar`] for one, [`stacked`] for several with a legend.

use yew::prelude::*;

/// One part of a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// How large it is.
    pub value: f64,
    /// The value as text.
    pub text: String,
    /// Which of the colours it has, from 0.
    pub colour: usize,
}

/// A small bar that is filled up to `percent`.
pub fn bar(percent: f64, name: &str) -> Html {
    let width = format!("{:.1}%", percent.clamp(0.0, 100.0));
    html! {
        <svg class="mo-bar" role="img" aria-label={name.to_owned()} width="100%" height="4">
            <rect class="mo-bar__ground" width="100%" height="4" rx="2" />
            <rect class="mo-bar__fill" {width} height="4" rx="2" />
        </svg>
    }
}

/// A bar in parts and a legend below it. What is missing to `total` stays empty.
pub fn stacked(parts: &[Part], total: f64, name: &str, testid: &'static str) -> Html {
    let mut x = 0.0;
    let rects = parts.iter().filter(|part| part.value > 0.0).map(|part| {
        let width = if total > 0.0 { part.value / total * 100.0 } else { 0.0 };
        let rect = html! {
            <rect class={format!("mo-fill-{}", part.colour)} x={format!("{x:.2}%")}
                width={format!("{width:.2}%")} height="10">
                <title>{ format!("{}: {}", part.name, part.text) }</title>
            </rect>
        };
        x += width;
        rect
    });
    let rects: Vec<Html> = rects.collect();
    let legend = parts.iter().map(|part| {
        html! {
            <li class="mo-legend__item">
                { swatch(part.colour) }
                <span class="mo-legend__name">{ part.name }</span>
                <span class="mo-legend__value">{ &part.text }</span>
            </li>
        }
    });
    html! {
        <div class="mo-stacked" data-testid={testid}>
            <svg class="mo-stacked__bar" role="img" aria-label={name.to_owned()} width="100%" height="10">
                <rect class="mo-bar__ground" width="100%" height="10" />
                { for rects }
            </svg>
            <ul class="mo-legend">{ for legend }</ul>
        </div>
    }
}

/// A small square in one of the colours.
pub fn swatch(colour: usize) -> Html {
    html! {
        <svg class="mo-swatch" width="10" height="10" aria-hidden="true">
            <rect class={format!("mo-fill-{colour}")} width="10" height="10" rx="2" />
        </svg>
    }
}
