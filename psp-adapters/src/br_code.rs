//! What a Pix QR code says: tag, length, value, closed by a CRC-16 (the central bank's BR Code manual).
//!
//! The code is what the payer's bank reads, so one that was cut or that asks for another amount must never
//! reach a payer.

/// The parts that matter to us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BrCode<'a> {
    pub amount: Option<&'a str>,
}

impl<'a> BrCode<'a> {
    /// Reads a code; none when it is no code of Brazilian reais, or its checksum is not its own.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (body, crc) = text.split_at_checked(text.len().checked_sub(4)?)?;
        let told = u16::from_str_radix(crc, 16).ok()?;
        if !text.is_ascii() || !body.ends_with("6304") || told != crc16(body.as_bytes()) {
            return None;
        }
        let mut rest = text;
        let (mut amount, mut currency, mut account) = (None, None, None);
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(4)?;
            let (tag, length) = head.split_at(2);
            let (value, tail) = tail.split_at_checked(length.parse().ok()?)?;
            match tag {
                "26" => account = Some(value),
                "53" => currency = Some(value),
                "54" => amount = Some(value),
                _ => {}
            }
            rest = tail;
        }
        let pix = account?.to_ascii_lowercase().contains("br.gov.bcb.pix");
        (pix && currency == Some("986")).then_some(Self { amount })
    }
}

/// CRC-16/CCITT-FALSE.
fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0xFFFF_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the BR Code manual, with an amount.
    const VECTOR: &str = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000\
        520400005303986540512.345802BR5913Fulano de Tal6008BRASILIA62080504dep163049C7D";

    #[test]
    fn the_published_vector_is_read() {
        assert_eq!(BrCode::parse(VECTOR), Some(BrCode { amount: Some("12.34") }));
        assert_eq!(crc16(b"123456789"), 0x29B1);
    }

    #[test]
    fn no_byte_of_a_code_may_change_or_be_missing() {
        for at in 0..VECTOR.len() {
            let mut bytes = VECTOR.as_bytes().to_vec();
            bytes[at] ^= 1;
            let text = String::from_utf8(bytes).expect("still ASCII");
            assert_eq!(BrCode::parse(&text), None, "{text}");
            assert_eq!(BrCode::parse(&VECTOR[..at]), None);
        }
        assert_eq!(BrCode::parse("é6304"), None);
    }
}
