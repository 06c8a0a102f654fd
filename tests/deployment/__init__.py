"""What is deployed, and how: requirements, the bundle, Elastic Beanstalk, AWS's permissions."""
