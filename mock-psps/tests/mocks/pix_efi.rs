//! Efí's Pix: charges, sending, returns, and its test environment's rules.

use serde_json::{Value, json};

use crate::harness::{digits, until};
use crate::mtls::{EFI, PIX_KEY, scene, scene_in, scene_with};

#[tokio::test]
async fn a_charge_is_paid_on_a_page_that_any_browser_opens() {
    let s = scene().await;
    let txid = digits();
    let (status, charge) = s.efi("PUT", &format!("/v2/cob/{txid}"), s.charge("12.34")).await;
    assert_eq!((status, &charge["status"]), (201, &json!("ATIVA")));
    let code = charge["pixCopiaECola"].as_str().unwrap();
    let location = charge["location"].as_str().unwrap();
    assert!(code.contains(location) && code.contains("540512.34"), "{code}");
    let page = format!("http://{location}");
    let html = s.w.http.get(&page).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("12.34 BRL") && html.contains("Ana Souza"), "{html}");
    let approved = s.w.http.post(format!("{page}/approve")).send().await.unwrap();
    assert_eq!(approved.status(), 200);
    let told = s.w.until_told(EFI, 1, |it| it.path.ends_with("/pix")).await.remove(0).json();
    assert_eq!(
        (&told["pix"][0]["txid"], &told["pix"][0]["valor"]),
        (&json!(txid), &json!("12.34"))
    );
    let (_, paid) = s.efi("GET", &format!("/v2/cob/{txid}"), Value::Null).await;
    assert_eq!(paid["status"], "CONCLUIDA");
    assert_eq!(paid["pix"][0]["gnExtras"]["pagador"]["cpf"], "52998224725");
    // It goes back once, and a used id is refused.
    let e2eid = paid["pix"][0]["endToEndId"].as_str().unwrap();
    let back = format!("/v2/pix/{e2eid}/devolucao/{}", digits());
    assert_eq!(s.efi("PUT", &back, json!({"valor": "12.34"})).await.0, 201);
    let (status, refused) = s.efi("PUT", &back, json!({"valor": "12.34"})).await;
    assert_eq!(status, 400);
    assert!(refused["type"].as_str().unwrap().ends_with("/PixDevolucaoInvalida"));
    until("the return", || async {
        let (_, back) = s.efi("GET", &back, Value::Null).await;
        (back["status"] == "DEVOLVIDO").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_used_id_is_refused_and_books_nothing_more() {
    let s = scene().await;
    let (txid, id) = (digits(), digits());
    for (path, body, word) in [
        (format!("/v2/cob/{txid}"), s.charge("10.00"), "txid_duplicado"),
        (format!("/v3/gn/pix/{id}"), s.send_to("52998224725", "10.00"), "id_envio_duplicado"),
    ] {
        assert_eq!(s.efi("PUT", &path, body.clone()).await.0, 201);
        let (status, again) = s.efi("PUT", &path, body).await;
        assert_eq!((status, &again["nome"]), (409, &json!(word)));
    }
    s.w.complete(EFI, &txid, json!({"outcome": "succeeded"})).await;
    let (status, closed) = s.efi("PUT", &format!("/v2/cob/{txid}"), s.charge("10.00")).await;
    assert_eq!(status, 400);
    assert!(closed["type"].as_str().unwrap().ends_with("/CobOperacaoInvalida"));
    assert_eq!(s.w.movements(EFI).await.len(), 2);
}

#[tokio::test]
async fn money_goes_to_the_owner_of_a_key_only() {
    let s = scene().await;
    let send = async |key: &str, cpf: &str| {
        let mut body = s.send_to(key, "5.00");
        body["favorecido"]["cpf"] = cpf.into();
        let (status, said) = s.efi("PUT", &format!("/v3/gn/pix/{}", digits()), body).await;
        (status, said["nome"].as_str().unwrap_or_default().to_owned())
    };
    let foreign = (400, "chave_nao_pertence_ao_documento".to_owned());
    assert_eq!(send("ana@example.com", "52998224725").await.0, 201);
    assert_eq!(send("ana@example.com", "12345678909").await, foreign);
    assert_eq!(send("52998224725", "12345678909").await, foreign);
    for nobodys in ["nope", "52998224724", "Ana@example.com"] {
        let refused = send(nobodys, "52998224725").await;
        assert_eq!(refused, (400, "valor_invalido".to_owned()), "{nobodys}");
    }
    assert_eq!(send("ana@example.com", "12345678900").await, (400, "valor_invalido".to_owned()));
}

#[tokio::test]
async fn homologation_decides_by_the_amount() {
    // The rules of Efí's own test environment.
    let s = scene_with(&[("homologation", "true")]).await;
    for (amount, status, ends) in
        [("10.00", 201, "REALIZADO"), ("20.00", 201, "NAO_REALIZADO"), ("20.01", 422, "")]
    {
        let id = digits();
        let body = s.send_to("52998224725", amount);
        assert_eq!(s.efi("PUT", &format!("/v3/gn/pix/{id}"), body).await.0, status, "{amount}");
        let asked = format!("/v2/gn/pix/enviados/id-envio/{id}");
        let (_, sent) = s.efi("GET", &asked, Value::Null).await;
        assert_eq!(sent["status"].as_str().unwrap_or_default(), ends, "{amount}");
    }
}

#[tokio::test]
async fn a_registered_address_survives_a_restart_and_so_does_its_removal() {
    let folder = std::env::temp_dir().join(format!("mock-psps-{}", digits()));
    let path = format!("/v2/webhook/{PIX_KEY}");
    let first = scene_in(&[], Some(folder.clone())).await;
    assert_eq!(first.register("https://casino.example/hooks").await, 201);
    first.w.running.stop().await;
    let second = scene_in(&[], Some(folder.clone())).await;
    let (status, told) = second.efi("GET", &path, Value::Null).await;
    assert_eq!((status, &told["webhookUrl"]), (200, &json!("https://casino.example/hooks")));
    assert_eq!(second.efi("DELETE", &path, Value::Null).await.0, 204);
    second.w.running.stop().await;
    let third = scene_in(&[], Some(folder.clone())).await;
    assert_eq!(third.efi("GET", &path, Value::Null).await.0, 404);
    third.w.running.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
