//! The folders of a cluster, and who may enter them.

use super::ClusterError;
use super::user::ServerUser;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// A unix socket's path has at most 107 bytes on Linux and 103 on macOS.
const SOCKET_PATH_BYTES_MAX: usize = 103;
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Held while a cluster is in use; the system lets go of it when the process ends in whatever way.
pub(super) type Lock = Flock<File>;

#[derive(Debug, Clone)]
pub(super) struct Folders {
    /// Ours; the server's user may pass through.
    pub home: PathBuf,
    /// The server's, mode 0700.
    pub data: PathBuf,
    /// The server's, mode 0700: who cannot enter cannot connect. Authentication relies on that.
    pub socket: PathBuf,
    pub log: PathBuf,
}

impl Folders {
    /// Makes the folders in `dir`, or in a fallback where the server's user cannot enter `dir`.
    pub fn settle(dir: &Path, user: &ServerUser) -> Result<Self, ClusterError> {
        let dir = std::path::absolute(dir).map_err(ClusterError::folder("finding", dir))?;
        make_ours(&dir)?;
        let dir = dir.canonicalize().map_err(ClusterError::folder("finding", &dir))?;
        let home = if can_pass(&dir, user) {
            dir
        } else {
            let fallback = fallback(&dir, user);
            tracing::warn!(
                "the user {} cannot enter {}: PostgreSQL's data is kept in {}",
                user.name,
                dir.display(),
                fallback.display()
            );
            make_ours(&fallback)?;
            fallback
        };
        let folders = Self {
            data: home.join("data"),
            socket: socket_folder(&home),
            log: home.join("server.log"),
            home,
        };
        make_theirs(&folders.socket, user)?;
        Ok(folders)
    }

    /// Takes the folder for this process alone.
    pub fn lock(&self) -> Result<Lock, ClusterError> {
        let path = self.home.join("lock");
        let error = || ClusterError::folder("locking", &path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(error())?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                // For the message of whoever comes second.
                let noted = lock
                    .set_len(0)
                    .and_then(|()| lock.rewind())
                    .and_then(|()| write!(lock, "{}", std::process::id()));
                noted.map_err(error())?;
                Ok(lock)
            }
            Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
                let mut pid = String::new();
                let holder = match file.read_to_string(&mut pid) {
                    Ok(1..) => format!(" (pid {})", pid.trim()),
                    Ok(0) | Err(_) => String::new(),
                };
                Err(ClusterError::InUse { dir: self.home.clone(), holder })
            }
            Err((_, errno)) => Err(error()(errno.into())),
        }
    }

    pub fn has_data(&self) -> bool {
        self.data.join("PG_VERSION").is_file()
    }

    /// The major version that wrote the data, with the folder, when there is data.
    pub fn data_major(&self) -> Result<Option<(u32, PathBuf)>, ClusterError> {
        let path = self.data.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().parse().ok().map(|n| (n, self.data.clone()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::folder("reading", &path)(error)),
        }
    }

    /// Best effort: what stays behind is in a folder for temporary files.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.socket);
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// A new folder that nobody else uses.
pub(super) fn temporary() -> Result<PathBuf, ClusterError> {
    let template = std::env::temp_dir().join("interlock-XXXXXX");
    let error = || ClusterError::folder("making", &template);
    let made = nix::unistd::mkdtemp(&template).map_err(|errno| error()(errno.into()))?;
    fs::set_permissions(&made, Permissions::from_mode(0o755)).map_err(error())?;
    Ok(made)
}

/// Makes an empty folder that belongs to the server's user and nobody else may enter.
pub(super) fn make_theirs(path: &Path, user: &ServerUser) -> Result<(), ClusterError> {
    let error = || ClusterError::folder("making", path);
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            if user.lowered {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(error())?;
            }
            Ok(())
        }
        Err(exists) if exists.kind() == io::ErrorKind::AlreadyExists => {
            // Somebody else may have made it first, in a folder that all may write to.
            let found = fs::symlink_metadata(path).map_err(error())?;
            if !found.is_dir() || found.uid() != user.uid.as_raw() {
                return Err(ClusterError::Foreign {
                    path: path.to_owned(),
                    user: user.name.clone(),
                });
            }
            fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(error())
        }
        Err(other) => Err(error()(other)),
    }
}

/// Makes a folder of ours that all may pass through, whatever the umask says.
fn make_ours(path: &Path) -> Result<(), ClusterError> {
    let error = || ClusterError::folder("making", path);
    let missing: Vec<&Path> = path.ancestors().take_while(|part| !part.exists()).collect();
    for part in missing.into_iter().rev() {
        fs::create_dir(part).map_err(error())?;
        fs::set_permissions(part, Permissions::from_mode(0o755)).map_err(error())?;
    }
    let found = fs::symlink_metadata(path).map_err(error())?;
    if found.is_dir() && found.uid() != Uid::effective().as_raw() {
        return Err(ClusterError::Foreign {
            path: path.to_owned(),
            user: Uid::effective().to_string(),
        });
    }
    Ok(())
}

/// Whether this user may pass through the folder and all those above it.
fn can_pass(dir: &Path, user: &ServerUser) -> bool {
    dir.ancestors().all(|folder| {
        let Ok(found) = fs::metadata(folder) else {
            return false;
        };
        let bit = if found.uid() == user.uid.as_raw() {
            0o100
        } else if found.gid() == user.gid.as_raw() {
            0o010
        } else {
            0o001
        };
        // Without root's help we can simply try; other groups than the first may let us in.
        found.mode() & bit != 0 || (!user.lowered && fs::read_dir(folder).is_ok())
    })
}

/// Where the server's user can enter. Root's is where the system keeps what lasts; what an earlier version kept
/// in the folder for temporary files, which some systems empty once a month, is used where it is.
fn fallback(dir: &Path, user: &ServerUser) -> PathBuf {
    let name = format!("interlock-{}", short_hash(dir));
    let before = Path::new("/var/tmp").join(&name);
    let found = fs::symlink_metadata(&before);
    let ours = found.is_ok_and(|it| it.is_dir() && it.uid() == Uid::effective().as_raw());
    if !user.lowered || (ours && before.join("data/PG_VERSION").is_file()) {
        before
    } else {
        Path::new("/var/lib").join(name)
    }
}

/// Inside the cluster's folder, or where that would make the socket's path too long, a short one. PostgreSQL
/// takes a comma for the end of the path.
fn socket_folder(home: &Path) -> PathBuf {
    let inside = home.join("s");
    let bytes = inside.as_os_str().len() + 1 + SOCKET_NAME.len();
    if bytes <= SOCKET_PATH_BYTES_MAX && !inside.as_os_str().as_bytes().contains(&b',') {
        inside
    } else {
        Path::new("/tmp").join(format!("interlock-{}", short_hash(home)))
    }
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    hex::encode(digest.get(..6).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_is_never_too_long() {
        let short = Path::new("/srv/interlock/.interlock/pg");
        assert_eq!(socket_folder(short), short.join("s"));
        let long = Path::new("/srv").join("x".repeat(90));
        let folder = socket_folder(&long);
        assert!(folder.starts_with("/tmp"), "{}", folder.display());
        assert_ne!(folder, socket_folder(&long.join("y")));
        assert!(socket_folder(Path::new("/srv/a, b/pg")).starts_with("/tmp"));
    }

    #[test]
    fn a_closed_folder_above_is_found() {
        let nobody = ServerUser {
            name: "nobody".to_owned(),
            uid: Uid::from_raw(65_534),
            gid: nix::unistd::Gid::from_raw(65_534),
            lowered: true,
        };
        let top = temporary().unwrap();
        let inner = top.join("closed/inner");
        make_ours(&inner).unwrap();
        assert!(can_pass(&inner, &nobody));
        fs::set_permissions(top.join("closed"), Permissions::from_mode(0o700)).unwrap();
        assert!(!can_pass(&inner, &nobody));
        fs::remove_dir_all(&top).unwrap();
    }
}
