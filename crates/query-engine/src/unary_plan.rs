//! The part of `impl ExecutionPlan` that our operators share.

/// Methods of [`ExecutionPlan`](datafusion::physical_plan::ExecutionPlan) for an operator with one
/// input, `self.input`, and no expressions of its own. Its `fn with_input(&self, input) -> Self` makes
/// the same operator over another input.
macro_rules! unary_plan {
    () => {
        fn name(&self) -> &str {
            Self::static_name()
        }

        fn children(&self) -> Vec<&$crate::unary_plan::Plan> {
            vec![&self.input]
        }

        fn apply_expressions(
            &self,
            _: &mut dyn FnMut(
                &std::sync::Arc<dyn datafusion::physical_expr::PhysicalExpr>,
            ) -> $crate::unary_plan::Walked,
        ) -> $crate::unary_plan::Walked {
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        }

        fn replace_children(
            self: std::sync::Arc<Self>,
            mut children: Vec<$crate::unary_plan::Plan>,
            _: datafusion::physical_plan::ReplaceChildrenOptions,
        ) -> datafusion::common::Result<$crate::unary_plan::Plan> {
            Ok(std::sync::Arc::new(
                self.with_input(children.swap_remove(0)),
            ))
        }

        fn with_new_children(
            self: std::sync::Arc<Self>,
            mut children: Vec<$crate::unary_plan::Plan>,
        ) -> datafusion::common::Result<$crate::unary_plan::Plan> {
            Ok(std::sync::Arc::new(
                self.with_input(children.swap_remove(0)),
            ))
        }
    };
}

pub(crate) use unary_plan;

/// A plan as its parent holds it.
pub(crate) type Plan = std::sync::Arc<dyn datafusion::physical_plan::ExecutionPlan>;

/// Result of visiting the expressions of a plan.
pub(crate) type Walked =
    datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion>;
