"""Who is measured when: everybody once a round, and who goes first changes, since the machine may get slower while one lasts."""

from servers import Unusable


def in_turn(members, turn):
    """There in even rounds, and back in odd ones."""
    return list(members) if turn % 2 == 0 else list(members)[::-1]


def is_heeler(who):
    return who.startswith("heeler")


def take_turns(runs, rounds, measure, report, needed=is_heeler, called=str):
    """Adds to each one's results, which are empty lists by name, one a round. A rival that fails is left out altogether, for
    rounds of which one is missing are compared with other ones; heeler has to work."""
    for turn in range(rounds):
        for who in in_turn(runs, turn):
            try:
                runs[who].append(measure(who))
            except Unusable as why:
                if needed(who):
                    raise
                del runs[who]
                report.line(f"left out: {called(who)}, {' '.join(str(why).split())[-200:]}")
    return runs
