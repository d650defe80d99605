//! What the lab must know about ELF files: which libraries a program of the
//! package root needs, and which modules a Linux module needs.

use crate::packages::Root;
use anyhow::{Context, Result, anyhow};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection, elf};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Header = elf::FileHeader64<Endianness>;

/// The `DT_NEEDED` names of a shared object or program; empty if static.
fn needed(file: &Path) -> Result<Vec<String>> {
    let data = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let data = data.as_slice();
    let header = Header::parse(data).with_context(|| format!("{}", file.display()))?;
    let endian = header.endian()?;
    let mut names = Vec::new();
    for segment in header.program_headers(endian, data)? {
        let Some(dynamic) = segment.dynamic(endian, data)? else {
            continue;
        };
        let at = |tag: elf::DynamicTag| {
            dynamic
                .iter()
                .find(|d| d.d_tag(endian) == tag)
                .map(|d| d.d_val(endian))
        };
        let (Some(strtab), Some(size)) = (at(elf::DT_STRTAB), at(elf::DT_STRSZ)) else {
            continue;
        };
        let strings = header
            .program_headers(endian, data)?
            .iter()
            .find_map(|s| s.data_range(endian, data, strtab, size).ok().flatten())
            .ok_or_else(|| anyhow!("{}: no string table", file.display()))?;
        for entry in dynamic.iter().filter(|d| d.d_tag(endian) == elf::DT_NEEDED) {
            let tail = strings
                .get(entry.d_val(endian) as usize..)
                .unwrap_or_default();
            let end = tail.iter().position(|&b| b == 0).unwrap_or(tail.len());
            names.push(String::from_utf8_lossy(&tail[..end]).into_owned());
        }
    }
    Ok(names)
}

/// All shared libraries, by name, that `programs` of the package root need,
/// the dynamic linker included.
pub fn libraries(root: &Root, programs: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut queue = programs.to_vec();
    while let Some(file) = queue.pop() {
        for name in needed(&file)? {
            if found.contains_key(&name) {
                continue;
            }
            let path = root
                .library(&name)
                .with_context(|| format!("{} needs it", file.display()))?;
            queue.push(path.clone());
            found.insert(name, path);
        }
    }
    Ok(found)
}

/// The modules of one installed Linux kernel.
pub struct Modules {
    by_name: BTreeMap<String, PathBuf>,
    builtin: BTreeSet<String>,
}

fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    Some(file.split_once(".ko")?.0.replace('-', "_"))
}

impl Modules {
    /// Indexes `lib/modules/<version>`.
    pub fn open(dir: &Path) -> Result<Modules> {
        let mut by_name = BTreeMap::new();
        let mut queue = vec![dir.join("kernel")];
        while let Some(dir) = queue.pop() {
            for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    queue.push(entry.path());
                } else if let Some(name) = module_name(&entry.file_name().to_string_lossy()) {
                    by_name.insert(name, entry.path());
                }
            }
        }
        let builtin = fs::read_to_string(dir.join("modules.builtin")).unwrap_or_default();
        let builtin = builtin.lines().filter_map(module_name).collect();
        Ok(Modules { by_name, builtin })
    }

    /// The named modules with all they depend on, in an order in which
    /// `insmod` takes them, as (file name, content). Built-in ones are left
    /// out.
    pub fn closure(&self, root: &Root, names: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut done = BTreeSet::new();
        let mut out = Vec::new();
        for name in names {
            self.add(root, &name.replace('-', "_"), &mut done, &mut out)?;
        }
        Ok(out)
    }

    fn add(
        &self,
        root: &Root,
        name: &str,
        done: &mut BTreeSet<String>,
        out: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<()> {
        if self.builtin.contains(name) || !done.insert(name.to_owned()) {
            return Ok(());
        }
        let path = self
            .by_name
            .get(name)
            .ok_or_else(|| anyhow!("no kernel module {name}"))?;
        let content = read_module(root, path)?;
        for dependency in depends(&content).with_context(|| format!("{}", path.display()))? {
            self.add(root, &dependency, done, out)?;
        }
        out.push((format!("{name}.ko"), content));
        Ok(())
    }
}

fn read_module(root: &Root, path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_none_or(|e| e != "xz") {
        return fs::read(path).with_context(|| format!("reading {}", path.display()));
    }
    let mut xz: Command = root.command("usr/bin/xz");
    let out = xz.arg("-dc").arg(path).output()?;
    anyhow::ensure!(
        out.status.success(),
        "xz -dc {}: {}",
        path.display(),
        out.status
    );
    Ok(out.stdout)
}

/// The `depends=` list of a module's `.modinfo`.
fn depends(module: &[u8]) -> Result<Vec<String>> {
    let file = object::File::parse(module)?;
    let Some(section) = file.section_by_name(".modinfo") else {
        return Ok(Vec::new());
    };
    let info = section.data()?;
    let list = info
        .split(|&b| b == 0)
        .find_map(|entry| entry.strip_prefix(b"depends="))
        .unwrap_or_default();
    Ok(String::from_utf8_lossy(list)
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect())
}
