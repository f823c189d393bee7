//! Operations: by id, and as a list. They are the operator's: a caller who may not see everything sees none.

use std::collections::HashMap;

use entity::operation;
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Order, Query};
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::{ReadError, fault};
use crate::scope::Scope;
use crate::store::EventStore;
use crate::store::operation::{
    Operation, OperationKind, OperationState, operation_of, select_operations,
};

/// Which operations are wanted: those that satisfy every part that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Operations of one of these kinds.
    pub kinds: Vec<OperationKind>,
    /// Operations in one of these states.
    pub states: Vec<OperationState>,
}

/// A bounded part of the list of operations, which is in the order in which they were asked for.
#[derive(Clone, Debug)]
pub struct OperationQuery {
    /// What the caller may see.
    pub scope: Scope,
    /// What the caller wants.
    pub filter: OperationFilter,
    /// Exclusive lower bound: milliseconds since 1970 when it was asked for, and the id, which settles ties.
    pub after: Option<(i64, Uuid)>,
    /// Exclusive upper bound.
    pub before: Option<(i64, Uuid)>,
    /// From the end of the list.
    pub descending: bool,
    /// The most operations to return.
    pub limit: u64,
}

impl EventStore {
    /// An operation by its id; `None` if it does not exist or lies outside the scope.
    pub async fn operation(&self, scope: &Scope, id: Uuid) -> Result<Option<Operation>, ReadError> {
        Ok(self.operations_by_id(scope, &[id]).await?.remove(&id))
    }

    /// The operations with these ids, by id; those outside the scope are left out.
    pub async fn operations_by_id(
        &self,
        scope: &Scope,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Operation>, ReadError> {
        if *scope != Scope::All {
            return Ok(HashMap::new());
        }
        let select = select_operations()
            .and_where(Expr::col(operation::Column::Id).is_in(ids.iter().copied()))
            .to_owned();
        let rows = self.rows(&select).await?;
        rows.iter()
            .map(|row| read(row).map(|operation| (operation.id, operation)))
            .collect()
    }

    /// A part of the list of operations, in order, up to the limit.
    pub async fn operations(&self, query: &OperationQuery) -> Result<Vec<Operation>, ReadError> {
        if query.scope != Scope::All {
            return Ok(Vec::new());
        }
        let order = if query.descending {
            Order::Desc
        } else {
            Order::Asc
        };
        let select = select_operations()
            .cond_where(conditions(query))
            .order_by(operation::Column::CreatedAt, order.clone())
            .order_by(operation::Column::Id, order)
            .limit(query.limit)
            .to_owned();
        self.rows(&select).await?.iter().map(read).collect()
    }

    /// The number of operations of a part of the list, counted no further than the limit.
    pub async fn count_operations(&self, query: &OperationQuery) -> Result<u64, ReadError> {
        if query.scope != Scope::All {
            return Ok(0);
        }
        let found = Query::select()
            .expr(Expr::val(1))
            .from(operation::Entity)
            .cond_where(conditions(query))
            .limit(query.limit)
            .to_owned();
        let count = Query::select()
            .expr(Expr::cust("count(*)"))
            .from_subquery(found, Alias::new("found"))
            .to_owned();
        self.counted(&count).await
    }
}

fn read(row: &QueryResult) -> Result<Operation, ReadError> {
    operation_of(row).map_err(|error| fault(&error))
}

fn conditions(query: &OperationQuery) -> Condition {
    let OperationFilter { kinds, states } = &query.filter;
    let one_of = |column: operation::Column, values: Vec<Value>| {
        (!values.is_empty()).then(|| Expr::col(column).is_in(values))
    };
    let kinds = kinds.iter().map(|kind| kind.stored().into()).collect();
    let states = states.iter().map(|state| state.stored().into()).collect();
    Condition::all()
        .add_option(one_of(operation::Column::Kind, kinds))
        .add_option(one_of(operation::Column::State, states))
        .add_option(query.after.map(|key| beyond(key, true)))
        .add_option(query.before.map(|key| beyond(key, false)))
}

/// The operations that stand after (or before) a key. Written as a bound on the leading column and an
/// exception, so that the index is used for it.
fn beyond((created_at, id): (i64, Uuid), after: bool) -> Condition {
    let leading = || Expr::col(operation::Column::CreatedAt);
    let second = Expr::col(operation::Column::Id);
    let (bound, beyond, by_id) = if after {
        (
            leading().gte(created_at),
            leading().gt(created_at),
            second.gt(id),
        )
    } else {
        (
            leading().lte(created_at),
            leading().lt(created_at),
            second.lt(id),
        )
    };
    Condition::all()
        .add(bound)
        .add(Condition::any().add(beyond).add(by_id))
}
