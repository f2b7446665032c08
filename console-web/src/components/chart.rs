//! [`Chart`]: values over time with axes, a legend, and the value under the pointer;
//! [`sparkline`]: the same without any of that. SVG of our own, from [`crate::plot`].

use web_sys::{Element, PointerEvent};
use yew::prelude::*;

use super::meter::swatch;
use crate::browser;
use crate::format;
use crate::plot::{self, GAP_MS, Scale};
use crate::series::Series;
use crate::stores::use_app;

/// The box that a chart is drawn in; it is stretched to the place that there is.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;

/// What the values of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Shares in percent.
    Percent,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
}

impl Unit {
    /// A value as text.
    #[must_use]
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Percent => format::percent(value),
            Self::Bytes => format::bytes_f64(value),
            Self::BytesPerSecond => format::bytes_per_second(value),
        }
    }

    /// A value at the axis, as short as it can be.
    fn tick(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{value:.0} %"),
            _ if value == 0.0 => "0".to_owned(),
            _ => self.text(value).replace(".00 ", " ").replace(".0 ", " "),
        }
    }

    /// The top of the axis for values up to `max`.
    fn top(self, max: f64) -> f64 {
        match self {
            Self::Percent => plot::round_up(max, 100.0),
            Self::Bytes => plot::round_up_binary(max, 64.0 * 1024.0),
            Self::BytesPerSecond => plot::round_up_binary(max, 1024.0),
        }
    }
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it shows.
    pub name: &'static str,
    /// Its values.
    pub series: Series,
    /// Which of the colours it has, from 0.
    pub colour: usize,
}

/// Properties of [`Chart`].
#[derive(PartialEq, Properties)]
pub struct ChartProps {
    /// What it shows, for screen readers.
    pub name: AttrValue,
    /// Its lines.
    pub lines: Vec<Line>,
    /// What the values are.
    pub unit: Unit,
    /// Value at the upper edge; else it follows the values.
    #[prop_or_default]
    pub top: Option<f64>,
    /// Whether it is still measured, so that its right edge is now.
    #[prop_or(true)]
    pub is_live: bool,
    /// `data-testid`.
    pub testid: AttrValue,
}

/// A chart with axes.
#[component]
pub fn Chart(props: &ChartProps) -> Html {
    let pointer = use_state_eq(|| None::<f64>);
    let plot_node = use_node_ref();
    let span_ms = props.lines.iter().map(|line| line.series.span_ms()).fold(0.0, f64::max);
    let minutes = plot::minutes_for(span_ms);
    let end_ms = props
        .lines
        .iter()
        .filter_map(|line| line.series.last())
        .map(|sample| sample.at_ms)
        .fold(0.0, f64::max);
    let max = props.lines.iter().map(|line| line.series.max()).fold(0.0, f64::max);
    let scale = Scale {
        end_ms,
        window_ms: f64::from(minutes) * 60_000.0,
        top: props.top.unwrap_or_else(|| props.unit.top(max)),
        width: WIDTH,
        height: HEIGHT,
    };
    let onpointermove = {
        let (pointer, node) = (pointer.clone(), plot_node.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(element) = node.cast::<Element>() else { return };
            let frame = element.get_bounding_client_rect();
            if frame.width() > 0.0 {
                let x = (f64::from(event.client_x()) - frame.left()) / frame.width() * WIDTH;
                pointer.set(Some(x.clamp(0.0, WIDTH)));
            }
        })
    };
    let onpointerleave = {
        let pointer = pointer.clone();
        Callback::from(move |_: PointerEvent| pointer.set(None))
    };
    // The pointer reads the nearest measured value; where nothing was measured, there is none.
    let read_ms = pointer.map(|x| scale.time_at(x));
    let reading = |line: &Line| match read_ms {
        Some(at) => line.series.nearest(at).filter(|sample| (sample.at_ms - at).abs() <= GAP_MS),
        None => line.series.last(),
    };
    let is_up = use_app().is_none_or(|app| app.connection.0.is_up());
    let end = if (props.is_live && is_up) || end_ms == 0.0 {
        "now".to_owned()
    } else {
        browser::local_time_f64(end_ms)
    };
    let start = if end == "now" {
        format!("{minutes} min ago")
    } else {
        browser::local_time_f64(end_ms - scale.window_ms)
    };
    let values = props.lines.iter().map(|line| {
        let text = reading(line).map_or_else(|| "–".to_owned(), |s| props.unit.text(s.value));
        html! {
            <li class="mo-legend__item">
                { swatch(line.colour) }
                <span class="mo-legend__name">{ line.name }</span>
                <span class="mo-legend__value">{ text }</span>
            </li>
        }
    });
    let when = read_ms
        .and_then(|_| props.lines.first().and_then(reading))
        .map(|sample| browser::local_time_f64(sample.at_ms));
    html! {
        <figure class="mo-chart" data-testid={props.testid.clone()} role="group" aria-label={summary(props, minutes)}>
            <figcaption class="mo-chart__head">
                <ul class="mo-legend mo-legend--inline">{ for values }</ul>
                <span class="mo-dim mo-chart__when">{ when }</span>
            </figcaption>
            <div class="mo-chart__body" aria-hidden="true">
                <div class="mo-chart__y">
                    <span>{ props.unit.tick(scale.top) }</span>
                    <span>{ props.unit.tick(scale.top / 2.0) }</span>
                    <span>{ props.unit.tick(0.0) }</span>
                </div>
                <svg ref={plot_node} class="mo-chart__plot" viewBox={format!("0 0 {WIDTH} {HEIGHT}")}
                    preserveAspectRatio="none" {onpointermove} {onpointerleave}>
                    { grid(minutes) }
                    { for props.lines.iter().map(|line| draw(&line.series, &scale, line.colour)) }
                    if let Some(x) = *pointer {
                        <line class="mo-chart__cursor" x1={format!("{x:.1}")} x2={format!("{x:.1}")} y1="0" y2={HEIGHT.to_string()} />
                    }
                </svg>
            </div>
            <div class="mo-chart__x" aria-hidden="true">
                <span>{ start }</span>
                <span>{ end }</span>
            </div>
        </figure>
    }
}

/// What a screen reader says instead of showing the lines.
fn summary(props: &ChartProps, minutes: u32) -> String {
    let lines = props.lines.iter().map(|line| {
        let now = line.series.last().map_or(0.0, |sample| sample.value);
        format!(
            "{} now {}, at most {} in the last {minutes} min",
            line.name,
            props.unit.text(now),
            props.unit.text(line.series.max()),
        )
    });
    format!("{}: {}", props.name, lines.collect::<Vec<_>>().join("; "))
}

fn grid(minutes: u32) -> Html {
    let horizontal = [0.0, HEIGHT / 2.0, HEIGHT].map(|y| {
        html! { <line class="mo-chart__grid" x1="0" x2={WIDTH.to_string()} y1={y.to_string()} y2={y.to_string()} /> }
    });
    // A line a minute; four parts where there are fewer minutes.
    let parts = minutes.max(4);
    let vertical = (1..parts).map(|part| {
        let x = (f64::from(part) / f64::from(parts) * WIDTH).to_string();
        html! { <line class="mo-chart__grid" x1={x.clone()} x2={x} y1="0" y2={HEIGHT.to_string()} /> }
    });
    html! { <>{ for horizontal }{ for vertical }</> }
}

fn draw(series: &Series, scale: &Scale, colour: usize) -> Html {
    let paths = plot::paths(series, scale);
    html! {
        <>
            <path class={format!("mo-area mo-fill-{colour}")} d={paths.area} />
            <path class={format!("mo-line mo-stroke-{colour}")} d={paths.line} />
        </>
    }
}

/// A small chart of a share in percent, the last two minutes; `name` says to screen readers what it
/// shows.
pub fn sparkline(name: &str, series: &Series, testid: String) -> Html {
    let last = series.last();
    let scale = Scale {
        end_ms: last.map_or(0.0, |sample| sample.at_ms),
        window_ms: 120_000.0,
        top: 100.0,
        width: 120.0,
        height: 32.0,
    };
    let now = last.map_or(0.0, |sample| sample.value);
    html! {
        <svg class="mo-spark" viewBox="0 0 120 32" preserveAspectRatio="none" role="img"
            aria-label={format!("{name}: now {}", format::percent(now))}
            data-testid={testid}>
            <line class="mo-chart__grid" x1="0" x2="120" y1="32" y2="32" />
            { draw(series, &scale, 0) }
        </svg>
    }
}
