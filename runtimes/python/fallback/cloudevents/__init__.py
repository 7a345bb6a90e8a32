"""The part of the CloudEvents SDK that functions import most, for where it is not installed."""
