//! The log as an auditor meets it: commands, files and exit codes.

use super::program::{Said, run};
use super::wait::until;
use super::world::World;
use interlock::evidence::folder::Folder;
use nix::sys::signal::Signal;
use serde_json::Value;

impl World {
    async fn audit(&self, arguments: &[&str]) -> Said {
        run(self.place.home(), &self.variables, &[&["audit"][..], arguments].concat()).await
    }

    /// Waits until the service has sealed everything that is there.
    async fn sealed(&self) -> Said {
        until("everything is sealed", || async {
            let said = self.audit(&["verify"]).await;
            let all = said.code == Some(0) && said.out.contains("; 0 newer records");
            all.then_some(said)
        })
        .await
    }

    /// The one verifier key in the sandbox's folder.
    fn verifier_key(&self) -> String {
        let logs = std::fs::read_dir(self.place.home().join("evidence")).unwrap();
        let folders: Vec<_> = logs.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(folders.len(), 1, "{folders:?}");
        let files = Folder::at(&folders[0]).key_files().unwrap();
        assert_eq!(files.len(), 1, "{files:?}");
        std::fs::read_to_string(&files[0]).unwrap().trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_seals_its_log_and_anybody_verifies_a_copy() {
    let world = World::new().await;
    let mut service = world.serve().await;
    world.api.player("p-audit").await;
    let deposit = world.api.deposit("p-audit", "100.00").await;
    let id = deposit["id"].as_str().unwrap();
    let said = world.sealed().await;
    assert!(said.out.starts_with("sound: "), "{said:?}");
    // Killed in the middle of anything, it goes on where it was.
    service.kill().await;
    let mut service = world.serve().await;
    world.api.player("p-audit-2").await;
    world.sealed().await;

    let key = world.verifier_key();
    let home = world.place.home();
    let copy = home.join("copy.log").display().to_string();
    let said = world.audit(&["log", "--out", &copy]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    world.audit(&["verify", "--log", &copy]).await.refused_with(&["--key"]);
    let said = world.audit(&["verify", "--log", &copy, "--key", &key]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = std::fs::read_to_string(&copy).unwrap();
    let forged = text.replacen("\"slot\":", "\"slod\":", 1);
    std::fs::write(&copy, forged).unwrap();
    let said = world.audit(&["verify", "--log", &copy, "--key", &key]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("(leaf 0) was edited after it was sealed"), "{said:?}");

    let pack = home.join("pack.json").display().to_string();
    let said = world.audit(&["export", id, "--out", &pack]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.audit(&["verify", "--pack", &pack, "--key", &key]).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(id) && said.out.contains("with the text of DE-"), "{said:?}");
    let mut forged: Value = serde_json::from_str(&std::fs::read_to_string(&pack).unwrap()).unwrap();
    forged["records"][0]["line"] = Value::from("{}");
    std::fs::write(&pack, forged.to_string()).unwrap();
    let said = world.audit(&["verify", "--pack", &pack, "--key", &key]).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    world.audit(&["export", "nothing"]).await.refused_with(&["no payment's or decision's id"]);
    assert_eq!(service.stop(Signal::SIGTERM).await.code(), Some(0), "{}", service.said());
    world.end().await;
}
