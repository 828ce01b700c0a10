"""平台外机构: institutions that are not on the platform and answer a referral all the same, by a link with a one-time code.

windows    who is outside, and where its referral window is reached
links      the link and the code: made, sent, ended
doors      the link opened, a session of its own kind
speaking   the Scope of who answers: one institution, one referral
answering  what is shown there, and the steps it may take
keeping    what the sender and the office see of it, and what they may do

docs/reference/outside.md
"""
