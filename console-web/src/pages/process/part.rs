//! What the tables of a process's parts have in common: reading page by page, and turning pages.
//!
//! The pages are kept as JSON, so that this code is there once and not once for every kind of row.

use std::marker::PhantomData;

use admin_api::types::Page;
use serde_json::Value;
use yew::prelude::*;

use crate::components::button::{Button, Look};
use crate::components::icon::{self, icon};
use crate::format;
use crate::hooks::{Round, use_live_poll};
use crate::model::failure::Failure;
use crate::read::{Read, Wrong};
use crate::stores::App;

/// How often a part is read.
const INTERVAL_MS: u32 = 2000;
/// Rows on a page.
pub(super) const LIMIT: usize = 100;

/// A page of a part with rows `T`, as far as it is known.
pub(super) struct Part<T> {
    pages: Pages,
    rows: PhantomData<T>,
}

struct Pages {
    page: Option<Page<Value>>,
    failure: Option<Failure>,
    cursors: UseStateHandle<Vec<String>>,
}

/// Reads a page of a process's part again and again.
#[hook]
pub(super) fn use_part<T: Read>(pid: u32, part: &'static str) -> Part<T> {
    let pages = use_pages(pid, part, |row| T::read(row).map(drop));
    Part { pages, rows: PhantomData }
}

#[hook]
fn use_pages(pid: u32, part: &'static str, check: fn(&Value) -> Result<(), Wrong>) -> Pages {
    let cursors = use_state_eq(Vec::<String>::new);
    let page = use_state_eq(|| None::<Page<Value>>);
    let failure = use_state_eq(|| None::<Failure>);
    {
        let (page, failure, asked) = (page.clone(), failure.clone(), cursors.clone());
        use_live_poll(INTERVAL_MS, (pid, (*cursors).clone()), move |app: App, wish| {
            let (page, failure, asked) = (page.clone(), failure.clone(), asked.clone());
            async move {
                let cursor = asked.last().map(String::as_str);
                let answer = app.client.process_part(pid, part, LIMIT, cursor).await;
                let answer = answer.and_then(|page: Page<Value>| {
                    let rows = page.items.iter().try_for_each(check);
                    rows.map(|()| page).map_err(|Wrong(what)| {
                        Failure::Malformed(format!("wrong or missing: {what}"))
                    })
                });
                if !wish.holds() {
                    return Round::Finished;
                }
                match answer {
                    Ok(read) => {
                        page.set(Some(read));
                        failure.set(None);
                        Round::Done
                    }
                    Err(Failure::SignedOut) => Round::Finished,
                    Err(Failure::Unreachable(_)) => Round::Failed,
                    Err(Failure::Refused(problem))
                        if problem.status == 400 && !asked.is_empty() =>
                    {
                        // The list that the cursor belongs to is forgotten: from the start.
                        asked.set(Vec::new());
                        Round::Finished
                    }
                    Err(refused) => {
                        let is_over = refused.is_not_found();
                        failure.set(Some(refused));
                        if is_over { Round::Finished } else { Round::Done }
                    }
                }
            }
        });
    }
    Pages { page: (*page).clone(), failure: (*failure).clone(), cursors }
}

impl<T: Read> Part<T> {
    /// Whether there are rows.
    pub(super) fn has_rows(&self) -> bool {
        self.pages.page.as_ref().is_some_and(|page| !page.items.is_empty())
    }

    /// The table with these columns (title and class), or why there is none.
    pub(super) fn table(
        &self,
        columns: &[(&'static str, &'static str)],
        testid: &'static str,
        nothing: &'static str,
        row: fn(&T) -> Html,
    ) -> Html {
        // Each row was checked when it came.
        let row = |value: &Value| T::read(value).map(|read| row(&read)).unwrap_or_default();
        self.pages.table(columns, testid, nothing, &row)
    }
}

impl Pages {
    fn table(
        &self,
        columns: &[(&'static str, &'static str)],
        testid: &'static str,
        nothing: &'static str,
        row: &dyn Fn(&Value) -> Html,
    ) -> Html {
        let problem = self.failure.as_ref().map(|failure| {
            html! {
                <p class="mo-health mo-health--bad" role="alert">
                    { icon(icon::BAD) }<span>{ failure.message() }</span>
                </p>
            }
        });
        let body = match &self.page {
            None if self.failure.is_some() => Html::default(),
            None => html! { <p class="mo-dim" role="status">{ "Reading …" }</p> },
            Some(page) if page.items.is_empty() => {
                html! { <p class="mo-dim mo-none" data-testid={format!("{testid}-none")}>{ nothing }</p> }
            }
            Some(page) => html! {
                <>
                    <div class="mo-table-box">
                        <table class="pf-v6-c-table pf-m-compact mo-table" data-testid={testid}>
                            <thead class="pf-v6-c-table__thead">
                                <tr class="pf-v6-c-table__tr">
                                    { for columns.iter().map(|(title, class)| html! {
                                        <th class={classes!("pf-v6-c-table__th", *class)} scope="col">{ *title }</th>
                                    }) }
                                </tr>
                            </thead>
                            <tbody class="pf-v6-c-table__tbody">{ for page.items.iter().map(row) }</tbody>
                        </table>
                    </div>
                    { self.pager(page) }
                </>
            },
        };
        html! { <>{ problem }{ body }</> }
    }

    fn pager(&self, page: &Page<Value>) -> Html {
        let index = self.cursors.len();
        if index == 0 && page.next_cursor.is_none() {
            return Html::default();
        }
        let first = index * LIMIT + 1;
        let last = first + page.items.len().saturating_sub(1);
        let turn = |change: Option<Vec<String>>| {
            let cursors = self.cursors.clone();
            Callback::from(move |_: MouseEvent| {
                if let Some(change) = &change {
                    cursors.set(change.clone());
                }
            })
        };
        let previous = (index > 0).then(|| self.cursors[..index - 1].to_vec());
        let next = page.next_cursor.clone().map(|cursor| {
            self.cursors.iter().cloned().chain(std::iter::once(cursor)).collect::<Vec<_>>()
        });
        let (has_previous, has_next) = (previous.is_some(), next.is_some());
        let range = format!(
            "{} – {} of {}",
            format::count(first as u64),
            format::count(last as u64),
            format::count(page.total)
        );
        html! {
            <nav class="mo-pager" aria-label="Pages of the table">
                <span class="mo-figure">{ range }</span>
                <Button look={Look::Plain} icon={icon::LEFT} name="Previous page" testid="part-previous"
                    is_disabled={!has_previous} onclick={turn(previous)} />
                <Button look={Look::Plain} icon={icon::RIGHT} name="Next page" testid="part-next"
                    is_disabled={!has_next} onclick={turn(next)} />
            </nav>
        }
    }
}
