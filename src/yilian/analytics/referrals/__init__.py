"""Referrals counted and listed: how many went where, how they were answered, who came; down to the referral behind a number."""
