//! A way past the server into the tables of the projections.

use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, QueryResult, Statement,
    TransactionTrait,
};

use crate::support::World;

/// A connection of its own into the database of the projections. In a statement `{name}` is the table `name`.
pub(super) struct Inside {
    connection: DatabaseConnection,
    prefix: &'static str,
}

impl Inside {
    pub(super) async fn of(world: &World) -> Self {
        let config = world.config();
        let url = config.projections.url(&config.database.url);
        Self {
            connection: Database::connect(url).await.unwrap(),
            prefix: if world.is_sqlite() {
                ""
            } else {
                "projections."
            },
        }
    }

    /// Runs a statement that means the same on both backends.
    pub(super) async fn execute(&self, template: &str) -> u64 {
        let sql = self.sql(template);
        let done = self.connection.execute_unprepared(&sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    /// A transaction that has run a statement, and holds what it has locked until it is dropped.
    pub(super) async fn hold(&self, template: &str) -> DatabaseTransaction {
        let transaction = self.connection.begin().await.unwrap();
        let sql = self.sql(template);
        transaction.execute_unprepared(&sql).await.unwrap();
        transaction
    }

    /// The numbers that a query finds.
    pub(super) async fn numbers(&self, template: &str) -> Vec<i64> {
        let rows = self.rows(&self.sql(template)).await;
        rows.iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect()
    }

    /// How many tables have names that begin with a text.
    pub(super) async fn tables(&self, beginning: &str) -> usize {
        let select = if self.prefix.is_empty() {
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        } else {
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'projections'"
        };
        let rows = self.rows(select).await;
        let names = rows
            .iter()
            .map(|row| row.try_get_by_index::<String>(0).unwrap());
        names.filter(|name| name.starts_with(beginning)).count()
    }

    async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let backend = self.connection.get_database_backend();
        let statement = Statement::from_string(backend, sql);
        self.connection.query_all_raw(statement).await.unwrap()
    }

    fn sql(&self, template: &str) -> String {
        template.replace('{', self.prefix).replace('}', "")
    }
}
