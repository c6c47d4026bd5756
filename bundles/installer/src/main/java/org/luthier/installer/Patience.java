package org.luthier.installer;

import java.time.Duration;

/**
 * How long a server is waited for, and how often asked again.
 *
 * @param connect longest wait for a connection
 * @param answer longest wait for the head of an answer
 * @param silence longest wait for more of a body
 * @param attempts failures in a row, none of which brought much, after which a file is given up
 * @param pause wait after the first failure; each further one in a row doubles it
 * @param longestPause longest wait between attempts, whatever the server asks for
 */
public record Patience(
        Duration connect, Duration answer, Duration silence, int attempts, Duration pause, Duration longestPause) {
    /** What a person on a usual line has. */
    public static final Patience USUAL = new Patience(
            Duration.ofSeconds(20),
            Duration.ofSeconds(30),
            Duration.ofSeconds(30),
            6,
            Duration.ofMillis(500),
            Duration.ofSeconds(30));

    /** The wait after a number of failures in a row, from 1. */
    Duration pauseAfter(int failures) {
        Duration doubled = pause.multipliedBy(1L << Math.min(failures - 1, 16));
        return doubled.compareTo(longestPause) < 0 ? doubled : longestPause;
    }
}
