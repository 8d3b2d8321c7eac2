//! The text of a program that has a number of commands.

use std::path::Path;

/// Its `Cargo.toml`. It is a workspace of its own, so that the profile is the one that a user has.
pub(crate) fn manifest(name: &str, amp_rpc: &Path) -> String {
    let amp_rpc = amp_rpc.display().to_string();
    format!(
        "\
[workspace]

[package]
name = \"{name}\"
version = \"0.0.0\"
edition = \"2024\"
publish = false

[dependencies]
amp-rpc = {{ path = {amp_rpc:?} }}
tokio = {{ version = \"1\", default-features = false, features = [\"rt\"] }}

[profile.release]
strip = true
"
    )
}

/// Its `main.rs`: a server with responders for all commands. `number` is what the body of one function says.
pub(crate) fn main(commands: usize, number: usize) -> String {
    let mut text = format!(
        "\
//! What `cargo xtask compile-cost` builds.

use amp_rpc::{{Amp, Answer, Command, Fields, Responders}};

fn number() -> i64 {{
    {number}
}}
"
    );
    for command in 0..commands {
        text += &of_command(command);
    }
    text += "
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let responders = Responders::new()";
    for command in 0..commands {
        text += &format!("\n        .on(respond_{command})");
    }
    text += ";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Amp::new().locator(responders).listen(\"tcp:0:interface=127.0.0.1\").await?;
        server.run().await;
        Ok(())
    })
}
";
    text
}

/// All names are its own, so that the compiler cannot use one command's code for another.
fn of_command(command: usize) -> String {
    format!(
        "
#[derive(Command)]
#[amp(response = Response{command})]
struct Command{command} {{
    first_{command}: i64,
    second_{command}: i64,
}}

#[derive(Fields)]
struct Response{command} {{
    total_{command}: i64,
}}

async fn respond_{command}(command: Command{command}) -> Answer<Command{command}> {{
    let total_{command} = command.first_{command} + command.second_{command} + number();
    Ok(Response{command} {{ total_{command} }})
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_responder() {
        let text = main(101, 7);
        assert_eq!(text.matches("#[derive(Command)]").count(), 101);
        assert_eq!(text.matches("        .on(respond_").count(), 101);
        assert!(text.contains("struct Command100 {"));
        assert!(!text.contains("struct Command101 {"));
    }

    #[test]
    fn one_function_is_all_that_changes() {
        let [before, after] = [1, 2].map(|number| main(3, number));
        let differ = before.lines().zip(after.lines());
        let changed: Vec<_> = differ.filter(|(before, after)| before != after).collect();
        assert_eq!(changed, [("    1", "    2")]);
    }

    #[test]
    fn a_path_is_quoted() {
        let text = manifest("small", Path::new("a \"folder\""));
        assert!(
            text.contains(r#"amp-rpc = { path = "a \"folder\"" }"#),
            "{text}"
        );
    }
}
