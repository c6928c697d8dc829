//! What a book says of itself.

use super::*;

#[test]
fn a_debt_in_any_currency_is_a_debt() {
    let operator = OperatorId::trusted("casino");
    let key = PlayerKey { operator, player: crate::domain::PlayerId::trusted("player") };
    let mut book = Book::empty(key, Timestamp::UNIX_EPOCH);
    let owing = |currency, owed| Balance { owed, ..Balance::empty(currency) };
    for (currency, owed) in [(Currency::EUR, 0), (Currency::GBP, 7), (Currency::SEK, 0)] {
        book.wallets.insert(currency, owing(currency, owed));
    }
    let pounds = Money::new(7, Currency::GBP);
    assert_eq!(book.debts(Currency::EUR), [Money::new(0, Currency::EUR), pounds]);
    assert_eq!(book.debts(Currency::GBP), [pounds]);
}
