"""号源: schedules, slots and their places, the pools these are reserved for, holds, bookings and the waiting list."""
