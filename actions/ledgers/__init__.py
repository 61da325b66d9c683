"""The three ledgers: points, the account and gift cards, and what is reckoned from them."""
