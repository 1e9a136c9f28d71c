"""App Home and `/approvals`: all that one person has to decide, has asked, has said."""
