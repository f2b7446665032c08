//! Signing in: [`SessionRequest`] and [`Session`].

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{Text, Timestamp};

words! {
    /// What someone may do. Each role may do all that the one before it may.
    Role {
        /// Reads.
        Viewer = "viewer",
        /// Changes processes and services.
        Operator = "operator",
        /// Changes users, the system and files.
        Administrator = "administrator",
    }
}

words! {
    /// How a request proved who sent it.
    AuthenticatedBy {
        /// By an `Authorization: Bearer` header.
        Token = "token",
        /// By the console's cookie.
        Session = "session",
    }
}

/// `POST /sessions`: exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// A token, the same that scripts send as bearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The secret from the link printed at boot; it works once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Who is signed in. The cookie travels in a header, out of reach of scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Name of the user.
    pub user: Text,
    /// What the user may do.
    pub role: Role,
    /// How this request proved it.
    pub authenticated_by: AuthenticatedBy,
    /// To be sent as `X-CSRF-Token` with every change; `null` for a token, which needs none.
    pub csrf_token: Option<String>,
    /// When the session began; `null` for a token.
    pub created_at: Option<Timestamp>,
    /// When the session ends at the latest; `null` for a token.
    pub expires_at: Option<Timestamp>,
}
