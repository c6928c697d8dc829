//! Rows that a lane writes, handed over in one piece each, as arrays of the composite types of
//! `migrations/0035_written_rows.sql`.
//!
//! An array for each column costs the server a list for each of them: 0.2 µs a value, of which a posting
//! has more than a hundred. A row of 35 columns is read in 0.6 µs instead of 7.7
//! (`docs/performance.md`).

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Postgres, Type};
use std::borrow::Cow;

/// The type `json` has had this number in every PostgreSQL.
const JSON: Oid = Oid(114);

/// JSON that was rendered already.
#[derive(Debug, Clone)]
pub(super) struct JsonText<'a>(pub Cow<'a, str>);

impl From<String> for JsonText<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'a> From<&'a str> for JsonText<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Type<Postgres> for JsonText<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl<'q> Encode<'q, Postgres> for JsonText<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

/// A row of a composite type: its fields in the type's order, by the type's names.
macro_rules! written {
    (
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? as $of:literal { $($field:ident: $kind:ty),+ $(,)? }
    ) => {
        $(#[$meta])*
        pub(super) struct $name $(<$life>)? {
            $(pub $field: $kind,)+
        }

        impl $(<$life>)? sqlx::Type<sqlx::Postgres> for $name $(<$life>)? {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::with_name($of)
            }
        }

        impl $(<$life>)? sqlx::postgres::PgHasArrayType for $name $(<$life>)? {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                sqlx::postgres::PgTypeInfo::array_of($of)
            }
        }

        impl<'q $(, $life)?> sqlx::Encode<'q, sqlx::Postgres> for $name $(<$life>)? {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let mut row = sqlx::postgres::types::PgRecordEncoder::new(buffer);
                $(row.encode(&self.$field)?;)+
                row.finish();
                Ok(sqlx::encode::IsNull::No)
            }
        }

        #[cfg(test)]
        impl $(<$life>)? $name $(<$life>)? {
            /// The type's name and its fields, for [`super::written`]'s test.
            pub const SHAPE: (&'static str, &'static [&'static str]) =
                ($of, &[$(stringify!($field)),+]);
        }
    };
}
pub(super) use written;

#[cfg(test)]
mod tests {
    use super::super::{
        write_attempts, write_entries, write_holdings, write_payments, write_records, write_steps,
        write_told, write_trail,
    };

    const TYPES: &str = include_str!("../../migrations/0035_written_rows.sql");
    const STATEMENTS: [&str; 5] = [
        include_str!("sql/write_holdings.sql"),
        include_str!("sql/write_records.sql"),
        include_str!("sql/write_steps.sql"),
        include_str!("write_payments.rs"),
        include_str!("write_trail.rs"),
    ];
    const SHAPES: [(&str, &[&str]); 16] = [
        write_attempts::AttemptRow::SHAPE,
        write_entries::EntryRow::SHAPE,
        write_entries::HouseRow::SHAPE,
        write_holdings::KeyRow::SHAPE,
        write_holdings::UseRow::SHAPE,
        write_holdings::WalletRow::SHAPE,
        write_payments::PartRow::SHAPE,
        write_payments::PaymentRow::SHAPE,
        write_records::RecordRow::SHAPE,
        write_records::TransitionRow::SHAPE,
        write_steps::MovedPart::SHAPE,
        write_steps::MovedPayment::SHAPE,
        write_told::DecisionRow::SHAPE,
        write_told::EventRow::SHAPE,
        write_trail::HoldMoveRow::SHAPE,
        write_trail::WireRow::SHAPE,
    ];

    fn names(list: &str) -> Vec<&str> {
        list.split(',').map(|one| one.split_whitespace().next().unwrap()).collect()
    }

    /// The database reads a row by the order of its fields: two of one type that changed places would go unseen.
    #[test]
    fn rows_have_their_types_fields_in_their_order() {
        assert_eq!(TYPES.matches("create type").count(), SHAPES.len());
        for (name, fields) in SHAPES {
            let of_type = TYPES.split_once(&format!("create type {name} as (")).unwrap().1;
            assert_eq!(names(of_type.split_once(");").unwrap().0), fields, "{name}");
        }
    }

    #[test]
    fn rows_go_to_the_columns_of_their_fields() {
        let mut seen = 0;
        for (name, fields) in SHAPES.iter().filter(|(name, _)| !name.starts_with("moved_")) {
            let from = format!("::{name}[])");
            let before = STATEMENTS.iter().find_map(|text| text.split_once(&from)).unwrap().0;
            let statement = before.rsplit_once("insert into ").unwrap().1;
            let (columns, rest) = statement.split_once('(').unwrap().1.split_once(')').unwrap();
            let leading = rest.split_once(".*").unwrap().0.matches(',').count();
            assert_eq!(&names(columns)[leading..], *fields, "{name}");
            seen += 1;
        }
        assert_eq!(seen, 14);
    }
}
