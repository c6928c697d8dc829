//! The two forms in which Efí says no: the central bank's problem documents for what is the central
//! bank's, and `{nome, mensagem}` for what is Efí's own.

use http::StatusCode;
use serde_json::json;

use crate::faults::Answer;

#[derive(Clone, Debug)]
pub(super) enum Problem {
    Bank { status: StatusCode, kind: &'static str, title: &'static str, detail: String },
    Efi { status: StatusCode, name: &'static str, message: String },
}

impl Problem {
    pub(super) fn bank(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::Bank { status, kind, title, detail: detail.into() }
    }

    pub(super) fn efi(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self::Efi { status, name, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::efi(StatusCode::BAD_REQUEST, "valor_invalido", message)
    }

    pub(super) fn foreign_key() -> Self {
        let text = "A chave informada não faz referência à conta Efí autenticada";
        Self::efi(StatusCode::BAD_REQUEST, "chave_invalida", text)
    }

    pub(super) fn denied() -> Self {
        let detail =
            "Requisição de participante autenticado que viola alguma regra de autorização.";
        Self::bank(StatusCode::FORBIDDEN, "AcessoNegado", "Acesso Negado", detail)
    }

    pub(super) fn missing(kind: &'static str, detail: &'static str) -> Self {
        Self::bank(StatusCode::NOT_FOUND, kind, "Não Encontrado", detail)
    }

    pub(super) fn answer(&self) -> Answer {
        let (status, content_type, body) = match self {
            Self::Bank { status, kind, title, detail } => {
                let body = json!({
                    "type": format!("https://pix.bcb.gov.br/api/v2/error/{kind}"),
                    "title": title, "status": status.as_u16(), "detail": detail,
                });
                (status, "application/problem+json", body)
            }
            Self::Efi { status, name, message } => {
                (status, "application/json", json!({ "nome": name, "mensagem": message }))
            }
        };
        Answer { status: *status, content_type, body: body.to_string() }
    }
}
