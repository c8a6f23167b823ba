//! Answers to the orders of a server's operator, for people and in JSON.

use serde::Serialize;

use crate::counters::Counters;

/// The answer to an order.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Answer {
    pub(crate) ok: bool,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) names: Option<Vec<NameRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restrictions: Option<Vec<RestrictionRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<Counters>,
}

/// A name in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct NameRow {
    pub(crate) name: String,
    pub(crate) online: bool,
    pub(crate) address: String,
    pub(crate) key: String,
}

/// A ban or a mute in an answer.
#[derive(Debug, Serialize)]
pub(crate) struct RestrictionRow {
    pub(crate) kind: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) value: String,
    /// Seconds since 1970, UTC.
    pub(crate) until: Option<u32>,
}

impl Answer {
    /// Answers that an order is done.
    pub(crate) fn done(message: impl Into<String>) -> Self {
        Self {
            ok: true,
            message: message.into(),
            ..Self::default()
        }
    }

    /// Answers that an order is not done.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }
}
