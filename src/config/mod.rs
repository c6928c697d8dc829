/// The environment variable that sets a key: `server.listen` is `INTERLOCK__SERVER__LISTEN`.
pub fn variable_of(key: &str) -> String {
    format!("INTERLOCK__{}", key.replace('.', "__").to_uppercase())
}
