"""Whole numbers, roundings and sums, in plain Python."""

import math
from decimal import Decimal
from functools import reduce
from random import Random
from typing import Any

from speedproof_studies.textbook.entry import Entry, right, wrong


def a_limit(size: int, rng: Random) -> dict[str, Any]:
    """A whole number near the size."""
    return {"limit": size + rng.randrange(size + 3)}


def primes_below(limit: int) -> list[int]:
    return [n for n in range(2, limit) if all(n % divisor for divisor in range(2, n))]


def primes_by_sieve(limit: int) -> list[int]:
    is_prime = [True] * limit
    for n in range(2, math.isqrt(limit) + 1):
        if is_prime[n]:
            for multiple in range(n * n, limit, n):
                is_prime[multiple] = False
    return [n for n in range(2, limit) if is_prime[n]]


def odd_numbers_by_divisor(limit: int) -> list[int]:
    return [n for n in range(2, limit) if n == 2 or all(n % divisor for divisor in range(2, math.isqrt(n)))]


def fibonacci(limit: int) -> int:
    a, b = 0, 1
    for _ in range(limit):
        a, b = b, a + b
    return a


def fibonacci_by_doubling(limit: int) -> int:
    a, b = 0, 1
    for bit in bin(limit)[2:]:
        a, b = a * (2 * b - a), a * a + b * b
        if bit == "1":
            a, b = b, a + b
    return a


def fibonacci_by_formula(limit: int) -> int:
    return round(((1 + math.sqrt(5)) / 2) ** limit / math.sqrt(5))


def collatz_lengths(limit: int) -> list[int]:
    """Steps down to 1 from each number."""
    lengths = []
    for n in range(1, limit + 1):
        steps = 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        lengths.append(steps)
    return lengths


def collatz_lengths_with_memory(limit: int) -> list[int]:
    known = {1: 0}
    for start in range(1, limit + 1):
        path = []
        n = start
        while n not in known:
            path.append(n)
            n = n // 2 if n % 2 == 0 else 3 * n + 1
        for steps, passed in enumerate(reversed(path), start=known[n] + 1):
            known[passed] = steps
    return [known[n] for n in range(1, limit + 1)]


def large_numbers(size: int, rng: Random) -> dict[str, Any]:
    """Numbers just below squares and powers of ten, such as identifiers and amounts in small units."""
    roots = [rng.randrange(2**30, 2**31) for _ in range(size)]
    return {"numbers": [rng.choice([root * root - 1, root * root, 10 ** rng.randrange(16, 30) - 1]) for root in roots]}


def roots(numbers: list[int]) -> list[int]:
    """Largest whole number whose square is not larger, by Newton's steps."""
    found = []
    for number in numbers:
        root = number
        while root * root > number:
            root = (root + number // root) // 2
        found.append(root)
    return found


def whole_roots(numbers: list[int]) -> list[int]:
    return [math.isqrt(number) for number in numbers]


def float_roots(numbers: list[int]) -> list[int]:
    return [int(math.sqrt(number)) for number in numbers]


def digits(numbers: list[int]) -> list[int]:
    return [len(str(number)) for number in numbers]


def digits_by_logarithm(numbers: list[int]) -> list[int]:
    return [int(math.log10(number)) + 1 for number in numbers]


def signed_numbers(size: int, rng: Random) -> dict[str, Any]:
    """Whole numbers of both signs, such as seconds before and after a date."""
    return {"numbers": [rng.randrange(-1_000_000, 1_000_000) for _ in range(size)]}


def days(numbers: list[int]) -> list[tuple[int, int]]:
    """Whole days and the seconds left."""
    return [(number // 86_400, number % 86_400) for number in numbers]


def days_by_divmod(numbers: list[int]) -> list[tuple[int, int]]:
    return [divmod(number, 86_400) for number in numbers]


def days_toward_zero(numbers: list[int]) -> list[tuple[int, int]]:
    return [(int(number / 86_400), number - 86_400 * int(number / 86_400)) for number in numbers]


def common_divisor(numbers: list[int]) -> int:
    divisor = 0
    for number in numbers:
        a, b = divisor, abs(number)
        while b:
            a, b = b, a % b
        divisor = a
    return divisor


def common_divisor_by_library(numbers: list[int]) -> int:
    return reduce(math.gcd, numbers, 0)


def some_prices(size: int, rng: Random) -> dict[str, Any]:
    """Prices as text."""
    return {"prices": [f"{rng.randrange(1, 1000)}.{rng.randrange(100):02}" for _ in range(size)]}


def cents(prices: list[str]) -> list[int]:
    return [int(Decimal(price) * 100) for price in prices]


def cents_by_text(prices: list[str]) -> list[int]:
    return [int(price.replace(".", "")) for price in prices]


def cents_by_float(prices: list[str]) -> list[int]:
    return [int(float(price) * 100) for price in prices]


def some_halves(size: int, rng: Random) -> dict[str, Any]:
    """Whole and half amounts."""
    return {"amounts": [rng.randrange(1000) / 2 for _ in range(size)]}


def rounded(amounts: list[float]) -> list[int]:
    """Halves go up."""
    return [math.floor(amount + 0.5) for amount in amounts]


def rounded_to_even(amounts: list[float]) -> list[int]:
    return [round(amount) for amount in amounts]


def polynomial(size: int, rng: Random) -> dict[str, Any]:
    """Positive coefficients, and a place where the sum of their terms settles."""
    return {"coefficients": [rng.uniform(0.1, 1) for _ in range(size)], "x": rng.uniform(0.1, 0.9)}


def value_at(coefficients: list[float], x: float) -> float:
    value = 0.0
    for power, coefficient in enumerate(coefficients):
        value += coefficient * x**power
    return value


def value_by_horner(coefficients: list[float], x: float) -> float:
    value = 0.0
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def value_by_exact_sum(coefficients: list[float], x: float) -> float:
    return math.fsum(coefficient * x**power for power, coefficient in enumerate(coefficients))


ENTRIES: tuple[Entry, ...] = (
    right(primes_below, primes_by_sieve, a_limit, "What no smaller prime strikes out is prime."),
    wrong(primes_below, odd_numbers_by_divisor, a_limit, "The root itself is not tried, so squares of primes pass."),
    right(fibonacci, fibonacci_by_doubling, a_limit, "Doubling the index is an identity of whole numbers."),
    wrong(fibonacci, fibonacci_by_formula, a_limit, "Powers of a float hold only the first 16 digits."),
    right(collatz_lengths, collatz_lengths_with_memory, a_limit, "Steps once counted are remembered within the call."),
    right(roots, whole_roots, large_numbers, "`isqrt` is exact for any size."),
    wrong(roots, float_roots, large_numbers, "A float rounds numbers above 2**53, and the root with them."),
    wrong(digits, digits_by_logarithm, large_numbers, "Just below a power of ten the logarithm rounds up to it."),
    right(days, days_by_divmod, signed_numbers, "`divmod` is the same two operations."),
    wrong(days, days_toward_zero, signed_numbers, "`int` rounds negative numbers toward zero, `//` down."),
    right(common_divisor, common_divisor_by_library, signed_numbers, "`math.gcd` takes signs and zero alike."),
    right(cents, cents_by_text, some_prices, "Prices with two places are whole cents without the point."),
    wrong(cents, cents_by_float, some_prices, "A price such as 0.29 is a little less as a float, and is cut off."),
    wrong(rounded, rounded_to_even, some_halves, "`round` takes halves to the even neighbour, not up."),
    right(value_at, value_by_horner, polynomial, "Horner's rule rounds no more than the sum of powers."),
    right(value_at, value_by_exact_sum, polynomial, "The same terms are summed without rounding."),
)
