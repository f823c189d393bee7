//! What a caller may see, as a condition of a statement about a projection (rule R7).

use sea_orm::Value;

use crate::scope::Scope;

/// The condition on the column that holds the guild, to stand behind `WHERE` or `AND`, and its values in
/// their order. Every statement of a [`View`](super::View) takes its scope from here. The column is null
/// where there is no guild.
pub(super) fn scope_condition(scope: &Scope, column: &str) -> (String, Vec<Value>) {
    match scope {
        Scope::All => ("1 = 1".to_owned(), Vec::new()),
        Scope::Guilds {
            guild_ids,
            include_without_guild,
        } => {
            let mut alternatives = Vec::with_capacity(2);
            if !guild_ids.is_empty() {
                let list = vec!["?"; guild_ids.len()].join(", ");
                alternatives.push(format!("{column} IN ({list})"));
            }
            if *include_without_guild {
                alternatives.push(format!("{column} IS NULL"));
            }
            let condition = match alternatives.len() {
                0 => "1 = 0".to_owned(),
                _ => format!("({})", alternatives.join(" OR ")),
            };
            let values = guild_ids.iter().map(|guild_id| guild_id.as_ref().into());
            (condition, values.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guilds(guild_ids: &[&str], include_without_guild: bool) -> Scope {
        Scope::Guilds {
            guild_ids: guild_ids.iter().map(|&guild_id| guild_id.into()).collect(),
            include_without_guild,
        }
    }

    #[test]
    fn each_scope_is_a_condition_with_as_many_values_as_marks() {
        for (scope, condition) in [
            (Scope::All, "1 = 1"),
            (guilds(&[], false), "1 = 0"),
            (guilds(&[], true), "(g IS NULL)"),
            (guilds(&["1", "2"], false), "(g IN (?, ?))"),
            (guilds(&["1"], true), "(g IN (?) OR g IS NULL)"),
        ] {
            let (found, values) = scope_condition(&scope, "g");
            assert_eq!(found, condition);
            assert_eq!(values.len(), condition.matches('?').count());
        }
    }
}
