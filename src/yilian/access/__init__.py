"""Who may sign in, at which post, through which application, and how far they see.

`accounts`, `clients`, `sessions` keep them; `sign_in` and `oauth` decide who gets a token; `tokens.Verifier` makes a `Scope` of one;
`policy` says in one table what each role may do; `grounds` keeps the reasons an institution may read a patient in step with what is
written. China: GB/T 22239-2019 (等保 2.0) 8.1.4.1 身份鉴别, 8.1.4.2 访问控制. RFC 6749, 7636, 9068, 9700; SMART App Launch 2.
"""
