/**
 * The policy that a new environment starts with. Who may do what, by role; and the two rules that keep one person from
 * doing it all: nobody decides on their own change, and what a switch stops is let through by two.
 */
export const DEFAULT_POLICY = `@id("authors-submit")
permit (
  principal in Role::"author",
  action in [Action::"submit", Action::"engage", Action::"release"],
  resource
);

@id("approvers-decide")
permit (
  principal in Role::"approver",
  action in [Action::"approve", Action::"reject"],
  resource
);

@id("people-steer-a-change")
permit (
  principal,
  action in [Action::"pause", Action::"continue", Action::"abort"],
  resource
)
when
{
  principal in Role::"author" ||
  principal in Role::"approver" ||
  principal in Role::"operator"
};

@id("operators-brake")
permit (
  principal in Role::"operator",
  action in [Action::"freeze", Action::"resume", Action::"recover"],
  resource
);

@id("approvers-break-glass")
permit (
  principal in Role::"approver",
  action == Action::"override",
  resource
);

@id("people-read")
permit (
  principal,
  action in [Action::"read", Action::"audit"],
  resource
)
when
{
  principal in Role::"author" ||
  principal in Role::"approver" ||
  principal in Role::"operator"
};

@id("nobody-decides-on-their-own")
forbid (
  principal,
  action in [Action::"approve", Action::"reject"],
  resource
)
when { principal == resource.author };

@id("two-release")
forbid (
  principal,
  action == Action::"release",
  resource
)
when { context.approvals < 2 };
`;
