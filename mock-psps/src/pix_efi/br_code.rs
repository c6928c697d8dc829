//! What a Pix QR code says: the BR Code of the central bank's manual, which is EMV's tag, length,
//! value, closed by a CRC-16 over everything before it.

/// What the code leads to.
pub(super) enum Target<'a> {
    /// The receiver's key itself.
    #[cfg(test)]
    Key(&'a str),
    /// The charge behind this address, without a scheme.
    Location(&'a str),
}

pub(super) struct BrCode<'a> {
    pub(super) target: Target<'a>,
    pub(super) name: &'a str,
    pub(super) city: &'a str,
    pub(super) amount: &'a str,
    /// `***` where the charge behind the location has its own.
    pub(super) txid: &'a str,
}

fn field(tag: &str, value: &str) -> String {
    format!("{tag}{:02}{value}", value.len())
}

/// At most so many bytes of plain letters: lengths count bytes, and not every reader takes accents.
fn plain(text: &str, most: usize) -> String {
    text.chars().filter(char::is_ascii).take(most).collect()
}

impl BrCode<'_> {
    pub(super) fn text(&self) -> String {
        let (gui, target) = ("br.gov.bcb.pix", &self.target);
        let (point, target) = match target {
            #[cfg(test)]
            Target::Key(key) => (String::new(), field("01", key)),
            Target::Location(location) => (field("01", "12"), field("25", location)),
        };
        let account = field("26", &format!("{}{target}", field("00", gui)));
        let txid = field("62", &field("05", self.txid));
        let text = [
            field("00", "01"),
            point,
            account,
            field("52", "0000"),
            field("53", "986"),
            field("54", self.amount),
            field("58", "BR"),
            field("59", &plain(self.name, 25)),
            field("60", &plain(self.city, 15)),
            txid,
            "6304".to_owned(),
        ]
        .concat();
        let crc = crc16(text.as_bytes());
        format!("{text}{crc:04X}")
    }
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, starting with 0xFFFF.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{BrCode, Target};

    /// The example of the central bank's manual of the BR Code, with an amount.
    #[test]
    fn the_published_vector_comes_out() {
        let code = BrCode {
            target: Target::Key("123e4567-e12b-12d1-a456-426655440000"),
            name: "Fulano de Tal",
            city: "BRASILIA",
            amount: "12.34",
            txid: "dep1",
        };
        let expected = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000\
            520400005303986540512.345802BR5913Fulano de Tal6008BRASILIA62080504dep163049C7D";
        assert_eq!(code.text(), expected);
    }
}
